"""Cloudflare Workers AI's own API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

#: All that its events have. With a text alone it may be anybody's.
_MEMBERS = frozenset({"response", "p", "tool_calls", "usage"})


class WorkersAi(Api):
    """What ``/ai/run/@cf/…`` streams: a piece of text, padding, and at the end usage, up to ``[DONE]``.

    No path names it: newer models answer there as OpenAI does.
    """

    name = "workers-ai"
    title = "Cloudflare Workers AI's own API"
    vendor = "Cloudflare"

    def recognises(self, value: JsonObject) -> bool:
        return isinstance(value.get("response"), str) and len(value) > 1 and value.keys() <= _MEMBERS


API = WorkersAi()
