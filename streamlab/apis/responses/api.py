"""OpenAI's Responses API, as the rest of the house may know it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.whole_answers import is_whole_answer, streamed
from streamlab.apis.responses.expectations import AFTER_TERMINAL, TERMINAL
from streamlab.rules.api import Api
from streamlab.rules.repair import Draft, RepairState
from streamlab.wire.payload import JsonObject


class Responses(Api):
    """``POST /responses``: typed, numbered events from ``response.created`` to one that ends the response."""

    name = api_names.RESPONSES
    title = "OpenAI Responses"
    vendor = "OpenAI"
    judged = True
    path_ends = ("/responses",)
    path = "/v1/responses"
    ending_types = TERMINAL | AFTER_TERMINAL
    keepalive_types = frozenset({"keepalive"})
    names_events = True
    works_meanwhile = True

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(kind, str) and kind.startswith("response.")

    def texts(self, value: JsonObject) -> Iterable[tuple[Any, str, str]]:
        piece = value.get("delta")
        if isinstance(piece, str):
            yield (str(value.get("item_id")), str(value.get("content_index"))), piece, "delta"

    def streamed(self, value: JsonObject, story: RepairState) -> Iterable[Draft] | None:
        return streamed(value, story) if is_whole_answer(value) else None


API = Responses()
