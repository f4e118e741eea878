"""What `streamlab probe --api anthropic` asks a server of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

from streamlab.apis.question import STOP_WORD, JsonObject, Question, Shows

_TOOL: JsonObject = {
    "name": "look_up_weather",
    "description": "Current weather of a place",
    "input_schema": {
        "type": "object",
        "properties": {"place": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
        "required": ["place", "unit"],
    },
}
_CALLED: JsonObject = {
    "role": "assistant",
    "content": [
        {
            "type": "tool_use",
            "id": "toolu_01Probe00000000000000001",
            "name": "look_up_weather",
            "input": {"place": "Oslo", "unit": "celsius"},
        }
    ],
}
_RESULT: JsonObject = {
    "type": "tool_result",
    "tool_use_id": "toolu_01Probe00000000000000001",
    "content": "4 degrees, light rain",
}
_TOLD: JsonObject = {"role": "user", "content": [_RESULT]}


def _user(text: str, limit: int = 256, **more: Any) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": limit, "temperature": 0, **more}


_SEA = "Why is the sea salty? Answer in one sentence."
_WEATHER = "What is the weather in Oslo? Call the tool."
_COUNT = "Count to six in English words, separated by commas."
_LINES = "Repeat exactly: The first line is long enough.\nSecond line.\n\nThird line."
_BOTH = "Compare the weather in Oslo and Lima: call the tool for each of them at once."
_THOUGHT: JsonObject = {
    "messages": [{"role": "user", "content": _SEA}],
    "max_tokens": 2048,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
_FOLLOWED: JsonObject = {
    "messages": [{"role": "user", "content": "What is the weather in Oslo?"}, _CALLED, _TOLD],
    "max_tokens": 256,
    "temperature": 0,
    "tools": [_TOOL],
}

QUESTIONS: tuple[Question, ...] = (
    Question("plain", "a plain answer", _user(_SEA), Shows.TEXT, basic=True),
    Question("newlines", "text with newlines", _user(_LINES), Shows.NEWLINES, basic=True),
    Question("short", "a short answer", _user("Repeat exactly: Yes"), Shows.SHORT, basic=True),
    Question("long", "a long answer", _user("Tell a long story about a lighthouse.", 600), Shows.TEXT, basic=True),
    Question("thinking", "thinking before the answer", _THOUGHT, Shows.REASONED),
    Question("tools-unused", "tools offered, not used", _user(_SEA, tools=[_TOOL]), Shows.TEXT),
    Question("tool-call", "one tool call", _user(_WEATHER, tools=[_TOOL]), Shows.CALL),
    Question("parallel-calls", "parallel tool calls", _user(_BOTH, tools=[_TOOL]), Shows.CALLS),
    Question("follow-up", "follow-up on a tool's result", _FOLLOWED, Shows.TEXT),
    Question("stop", "stop_sequences", _user(_COUNT, stop_sequences=[STOP_WORD]), Shows.STOPPED),
    Question("max-tokens", "max_tokens", _user(_SEA, 5), Shows.LENGTH),
    Question("usage", "usage", _user(_SEA), Shows.USAGE),
    Question("bad-request", "a bad request", {"messages": "these are no messages", "max_tokens": 256}, Shows.REFUSED),
    Question("unknown-model", "an unknown model", _user(_SEA), Shows.REFUSED, model="streamlab-no-such-model"),
)
