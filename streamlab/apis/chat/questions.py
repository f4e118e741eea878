"""What `streamlab probe` asks a server of chat completions."""

from __future__ import annotations

from typing import Any

from streamlab.apis.question import STEADY, STOP_WORD, JsonObject, Question, Shows

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
