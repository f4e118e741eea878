"""What a question is that `streamlab probe` asks a live server, once streamed and once not; each API has its own.

They are fixed, so that answers of today and of next month can be compared. Every question asks for temperature 0 and a
seed, so that both modes should say the same; where a server refuses these members they are left out, and said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]


class Shows(StrEnum):
    """What an answer has to show for its feature to count as there."""

    TEXT = "text"
    NEWLINES = "newlines"
    SHORT = "short"  # one to seven characters
    CALL = "call"
    CALLS = "calls"  # two or more in one answer
    CHOICES = "choices"  # two of them
    STOPPED = "stopped"  # at the stop word, which is not in the text
    LENGTH = "length"  # finish_reason length
    USAGE = "usage"
    LOGPROBS = "logprobs"
    REASONED = "reasoned"
    REFUSED = "refused"  # 4xx, with an error in OpenAI's shape


@dataclass(frozen=True, slots=True)
class Question:
    """One feature. ``body`` lacks ``model`` and ``stream``; ``streamed_only`` are members the whole mode goes without.

    ``basic``: a server that refuses this is broken, not limited. ``model``: asked instead of the real one.
    """

    name: str
    feature: str
    body: JsonObject
    shows: Shows
    basic: bool = False
    streamed_only: JsonObject | None = None
    model: str | None = None

    def asked(self, model: str, *, stream: bool) -> JsonObject:
        """The whole body of the request."""
        body = {"model": self.model or model, **self.body}
        if stream:
            body = {**body, "stream": True, **(self.streamed_only or {})}
        return body


#: No sampling: the same request gets the same answer, as far as the server keeps that promise.
STEADY: JsonObject = {"temperature": 0, "seed": 7}
#: The word at which the question about ``stop`` stops.
STOP_WORD = "four"
#: How many characters an answer has at most that some servers swallow.
SHORT_CHARACTERS = 7
