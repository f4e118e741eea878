"""The text that a choice adds: in its delta, or, in legacy completions, in the choice itself."""

from __future__ import annotations

from streamlab.wire import reading
from streamlab.wire.payload import JsonObject


def text_of(choice: JsonObject) -> str:
    """The text a choice adds; "" when there is none or it is no string."""
    legacy = choice.get("text")
    return reading.content(reading.delta(choice)) or (legacy if type(legacy) is str else "")


def holder_of(choice: JsonObject) -> tuple[JsonObject, str, str]:
    """The object and the member that hold that text, and the path from the choice to the object."""
    delta = reading.delta(choice)
    legacy = type(choice.get("text")) is str and not reading.content(delta)
    return (choice, "text", "") if legacy else (delta, "content", "delta.")
