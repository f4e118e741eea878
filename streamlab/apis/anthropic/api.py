"""Anthropic's Messages API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.apis.anthropic.translator import AnthropicTranslator
from streamlab.apis.translator import Translator
from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Anthropic(Api):
    """``POST /messages``: typed events from ``message_start`` to ``message_stop``, with blocks in between."""

    name = "anthropic.messages"
    path_ends = ("/messages",)
    vendor = "Anthropic"
    path = "/v1/messages"
    names_events = True

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(kind, str) and (kind.startswith(("message_", "content_block_")) or kind == "ping")

    def translator(self) -> type[Translator] | None:
        return AnthropicTranslator


API = Anthropic()
