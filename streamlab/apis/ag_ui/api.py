"""AG-UI, the protocol between agents and their pages, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

_TYPE = lazy_pattern(r"(?:RUN|STEP|TEXT_MESSAGE|TOOL_CALL|STATE|MESSAGES|ACTIVITY|THINKING|REASONING)_[A-Z_]+")


class AgUi(Api):
    """AG-UI: events typed in capitals, from ``RUN_STARTED`` to ``RUN_FINISHED`` or ``RUN_ERROR``."""

    name = "ag-ui"
    title = "AG-UI"
    vendor = "AG-UI"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(kind, str) and _TYPE.fullmatch(kind) is not None


API = AgUi()
