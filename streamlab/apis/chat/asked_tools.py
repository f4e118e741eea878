"""What a request of chat says of the tools that are to be called."""

from __future__ import annotations

from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object


def names_tool(body: JsonObject) -> bool:
    """Whether a request names the tool to call: OpenAI finishes with ``stop`` then, not with ``tool_calls``."""
    return as_object(body.get("tool_choice")).get("type") in ("function", "custom")
