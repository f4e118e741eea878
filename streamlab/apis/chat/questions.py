"""The questions that `streamlab probe` asks a live server, each once streamed and once not.

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

_TOOL: JsonObject = {
    "type": "function",
    "function": {
        "name": "look_up_weather",
        "description": "Current weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
            "required": ["place", "unit"],
        },
    },
}
_CALLED: JsonObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_probe0000000000000001",
            "type": "function",
            "function": {"name": "look_up_weather", "arguments": '{"place": "Oslo", "unit": "celsius"}'},
        }
    ],
}
_TOLD: JsonObject = {"role": "tool", "tool_call_id": "call_probe0000000000000001", "content": "4 degrees, light rain"}


def _user(text: str, limit: int = 256, **more: Any) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": limit, **STEADY, **more}


_SEA = "Why is the sea salty? Answer in one sentence."
_WEATHER = "What is the weather in Oslo? Call the tool."
_COUNT = "Count to six in English words, separated by commas."

QUESTIONS: tuple[Question, ...] = (
    Question("plain", "a plain answer", _user(_SEA), Shows.TEXT, basic=True),
    Question(
        "newlines",
        "text with newlines",
        _user("Repeat exactly: The first line is long enough.\nSecond line.\n\nThird line."),
        Shows.NEWLINES,
        basic=True,
    ),
    Question("short", "a short answer", _user("Repeat exactly: Yes"), Shows.SHORT, basic=True),
    Question("long", "a long answer", _user("Tell a long story about a lighthouse.", 600), Shows.TEXT, basic=True),
    Question("tools-unused", "tools offered, not used", _user(_SEA, tools=[_TOOL]), Shows.TEXT),
    Question("tool-call", "one tool call", _user(_WEATHER, tools=[_TOOL]), Shows.CALL),
    Question(
        "parallel-calls",
        "parallel tool calls",
        _user("Compare the weather in Oslo and Lima: call the tool for each of them at once.", tools=[_TOOL]),
        Shows.CALLS,
    ),
    Question(
        "follow-up",
        "follow-up without tools",
        {
            "messages": [{"role": "user", "content": "What is the weather in Oslo?"}, _CALLED, _TOLD],
            "max_tokens": 256,
            **STEADY,
        },
        Shows.TEXT,
    ),
    Question("n", "n=2", _user(_COUNT, n=2), Shows.CHOICES),
    Question("stop", "stop", _user(_COUNT, stop=[STOP_WORD]), Shows.STOPPED),
    Question("max-tokens", "max_tokens", _user(_SEA, 5), Shows.LENGTH),
    Question(
        "include-usage",
        "include_usage",
        _user(_SEA),
        Shows.USAGE,
        streamed_only={"stream_options": {"include_usage": True}},
    ),
    Question("logprobs", "logprobs", _user(_COUNT, logprobs=True, top_logprobs=2), Shows.LOGPROBS),
    Question("bad-request", "a bad request", {"messages": "these are no messages", **STEADY}, Shows.REFUSED),
    Question("unknown-model", "an unknown model", _user(_SEA), Shows.REFUSED, model="streamlab-no-such-model"),
)
