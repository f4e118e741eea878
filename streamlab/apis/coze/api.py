"""Coze's chat, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Coze(Api):
    """Coze's chat, version 3: events are named, and a message is told piece by piece and once more as a whole."""

    name = "coze.chat"
    path_ends = ("/v3/chat",)
    title = "Coze"
    vendor = "Coze"

    def recognises(self, value: JsonObject) -> bool:
        return "bot_id" in value and "conversation_id" in value


API = Coze()
