"""The AI SDK's stream from a server to its page, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.exchange import ResponseHead
from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

_TYPES = frozenset(
    {
        "start-step",
        "finish-step",
        "text-start",
        "text-delta",
        "text-end",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-available",
        "tool-input-error",
        "tool-output-available",
        "tool-output-error",
        "source-url",
        "source-document",
        "message-metadata",
    }
)
_OF_START = frozenset({"type", "messageId", "messageMetadata"})
_HEADERS = ("x-vercel-ai-ui-message-stream", "x-vercel-ai-data-stream")


class AiSdk(Api):
    """The AI SDK's UI message stream: events typed ``text-start``, ``text-delta``, …, up to ``[DONE]``."""

    name = "ai-sdk.ui-message-stream"
    title = "AI SDK UI message stream"
    vendor = "Vercel"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        if kind == "start":
            return _OF_START.issuperset(value)
        return isinstance(kind, str) and kind in _TYPES

    def recognises_head(self, head: ResponseHead) -> bool:
        return any(head.header(name) is not None for name in _HEADERS)


API = AiSdk()
