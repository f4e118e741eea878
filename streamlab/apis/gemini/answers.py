"""Where in an event Gemini's answer is: Code Assist, which Gemini CLI talks to, wraps each in ``response``."""

from __future__ import annotations

from typing import NamedTuple

from streamlab.wire.payload import JsonObject


class Answer(NamedTuple):
    """A ``GenerateContentResponse``, and the path it stands at: "" or ``response.``."""

    value: JsonObject
    at: str = ""


def answer_in(event: JsonObject) -> Answer:
    """What an event holds of an answer: its ``response``, where that is one, else the event itself."""
    wrapped = event.get("response")
    return Answer(wrapped, "response.") if isinstance(wrapped, dict) and is_answer(wrapped) else Answer(event)


def is_answer(value: JsonObject) -> bool:
    """Whether a value is a ``GenerateContentResponse``."""
    return "candidates" in value or "promptFeedback" in value
