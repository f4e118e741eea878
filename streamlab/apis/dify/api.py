"""Dify's chat messages, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Dify(Api):
    """Dify's ``/chat-messages``: every event says its kind in a member."""

    name = "dify.chat-messages"
    path_ends = ("/chat-messages", "/completion-messages")
    title = "Dify"
    vendor = "Dify"

    def recognises(self, value: JsonObject) -> bool:
        return isinstance(value.get("event"), str) and "task_id" in value


API = Dify()
