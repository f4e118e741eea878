"""Cohere's chat, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Cohere(Api):
    """Cohere's chat, versions 1 and 2."""

    name = "cohere.chat"
    path_ends = ("/v2/chat",)
    vendor = "Cohere"

    def recognises(self, value: JsonObject) -> bool:
        return isinstance(value.get("event_type"), str)


API = Cohere()
