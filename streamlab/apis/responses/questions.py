"""What `streamlab probe --api responses` asks a server of OpenAI's Responses."""

from __future__ import annotations

from typing import Any

from streamlab.apis.question import JsonObject, Question, Shows

_TOOL: JsonObject = {
    "type": "function",
    "name": "look_up_weather",
    "description": "Current weather of a place",
    "parameters": {
        "type": "object",
        "properties": {"place": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
        "required": ["place", "unit"],
        "additionalProperties": False,
    },
    "strict": True,
}
_CALLED: JsonObject = {
    "type": "function_call",
    "call_id": "call_probe0000000000000001",
    "name": "look_up_weather",
    "arguments": '{"place": "Oslo", "unit": "celsius"}',
}
_RESULT: JsonObject = {
    "type": "function_call_output",
    "call_id": "call_probe0000000000000001",
    "output": "4 degrees, light rain",
}


def _user(text: str, limit: int = 256, **more: Any) -> JsonObject:
    asked = [{"role": "user", "content": text}]
    return {"input": asked, "max_output_tokens": limit, "temperature": 0, "store": False, **more}


_SEA = "Why is the sea salty? Answer in one sentence."
_WEATHER = "What is the weather in Oslo? Call the tool."
_LINES = "Repeat exactly: The first line is long enough.\nSecond line.\n\nThird line."
_LONG = "Repeat exactly: One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve."
_BOTH = "Compare the weather in Oslo and Lima: call the tool for each of them at once."
_THOUGHT: JsonObject = {
    "input": _SEA,
    "max_output_tokens": 2048,
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": False,
}
_FOLLOWED: JsonObject = {
    **_user("What is the weather in Oslo?", tools=[_TOOL]),
    "input": [{"role": "user", "content": "What is the weather in Oslo?"}, _CALLED, _RESULT],
}

QUESTIONS: tuple[Question, ...] = (
    Question("plain", "a plain answer", _user(_SEA), Shows.TEXT, basic=True),
    Question("newlines", "text with newlines", _user(_LINES), Shows.NEWLINES, basic=True),
    Question("short", "a short answer", _user("Repeat exactly: Yes"), Shows.SHORT, basic=True),
    Question("long", "a long answer", _user("Tell a long story about a lighthouse.", 600), Shows.TEXT, basic=True),
    Question("instructions", "instructions", _user(_SEA, instructions="Answer in English."), Shows.TEXT),
    Question("reasoning", "a summary of the reasoning", _THOUGHT, Shows.REASONED),
    Question("tools-unused", "tools offered, not used", _user(_SEA, tools=[_TOOL]), Shows.TEXT),
    Question("tool-call", "one tool call", _user(_WEATHER, tools=[_TOOL]), Shows.CALL),
    Question("parallel-calls", "parallel tool calls", _user(_BOTH, tools=[_TOOL]), Shows.CALLS),
    Question("follow-up", "follow-up on a tool's result", _FOLLOWED, Shows.TEXT),
    # Sixteen is the least that OpenAI takes.
    Question("max-tokens", "max_output_tokens", _user(_LONG, 16), Shows.LENGTH),
    Question("usage", "usage", _user(_SEA), Shows.USAGE),
    Question("bad-request", "a bad request", {"input": 7, "max_output_tokens": 256}, Shows.REFUSED),
    Question("unknown-model", "an unknown model", _user(_SEA), Shows.REFUSED, model="streamlab-no-such-model"),
)
