"""Cohere's chat, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

_TYPES = frozenset(
    {
        "message-start",
        "message-end",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
    }
)


class Cohere(Api):
    """Cohere's chat, versions 1 and 2."""

    name = "cohere.chat"
    path_ends = ("/v2/chat",)
    title = "Cohere"
    vendor = "Cohere"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(value.get("event_type"), str) or (isinstance(kind, str) and kind in _TYPES)


API = Cohere()
