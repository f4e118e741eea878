"""What api.openai.com refuses of a request for a chat completion, and with which error."""

from __future__ import annotations

import json
from dataclasses import dataclass

from streamlab.standins.answers import objects
from streamlab.standins.plain_http import JsonObject

MODELS = {
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


@dataclass(frozen=True, slots=True)
class ApiError(Exception):
    """An answer in OpenAI's error shape."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"

    def body(self) -> bytes:
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return json.dumps({"error": error}, ensure_ascii=False, indent=4).encode() + b"\n"


def validate(body: JsonObject) -> None:
    """Refuses, as OpenAI does, what cannot be answered; raises ApiError."""
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise ApiError(400, "you must provide a model parameter")
    if body["model"] not in MODELS and body["model"] not in MODELS.values():
        missing = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise ApiError(404, missing, code="model_not_found")
    if "messages" not in body:
        raise ApiError(400, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    messages = body["messages"]
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        wrong = "Invalid type for 'messages': expected an array of objects, but got something else instead."
        raise ApiError(400, wrong, "messages", "invalid_type")
    if not messages:
        short = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise ApiError(400, short, "messages", "empty_array")
    for at, message in enumerate(messages):
        if not isinstance(message.get("role"), str) or message["role"] not in _ROLES:
            unknown = f"Invalid value: '{message.get('role')}'. Supported values are: {', '.join(map(repr, _ROLES))}."
            raise ApiError(400, unknown, f"messages[{at}].role", "invalid_value")
    _validate_fields(body)
    _validate_tool_messages(messages)


#: field -> what OpenAI calls its type, and the Python types of it.
_FIELD_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "stream": ("a boolean", (bool,)),
    "logprobs": ("a boolean", (bool,)),
    "n": ("an integer", (int,)),
    "max_tokens": ("an integer", (int,)),
    "max_completion_tokens": ("an integer", (int,)),
    "top_logprobs": ("an integer", (int,)),
    "temperature": ("a decimal", (int, float)),
    "top_p": ("a decimal", (int, float)),
    "stop": ("a string or array", (str, list)),
    "tools": ("an array of objects", (list,)),
    "tool_choice": ("a string or object", (str, dict)),
    "response_format": ("an object", (dict,)),
    "stream_options": ("an object", (dict,)),
}
_RANGES = {
    "n": (1, 128),
    "max_tokens": (1, 10**6),
    "max_completion_tokens": (1, 10**6),
    "top_logprobs": (0, 20),
    "temperature": (0, 2),
    "top_p": (0, 1),
}


def _validate_fields(body: JsonObject) -> None:
    for name, (wanted, types) in _FIELD_TYPES.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wrong = f"Invalid type for '{name}': expected {wanted}, but got something else instead."
            raise ApiError(400, wrong, name, "invalid_type")
        if name in _RANGES:
            _validate_range(name, body[name], *_RANGES[name])
    if body.get("stream_options") is not None and not body.get("stream"):
        lonely = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, lonely, "stream_options")


def _validate_range(name: str, value: float, low: int, high: int) -> None:
    if low <= value <= high:
        return
    word, short, bound, way = ("below minimum", "below_min", low, ">=")
    if value > high:
        word, short, bound, way = ("above maximum", "above_max", high, "<=")
    kind = "integer" if isinstance(value, int) else "decimal"
    wrong = f"Invalid '{name}': {kind} {word} value. Expected a value {way} {bound}, but got {value} instead."
    raise ApiError(400, wrong, name, f"{kind}_{short}_value")


def _validate_tool_messages(messages: list[JsonObject]) -> None:
    """Tool messages must answer, by id, the calls of the assistant message before them."""
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                stray = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                raise ApiError(400, f"Invalid parameter: {stray}", f"messages.[{at}].role")
            open_calls.remove(message["tool_call_id"])
            continue
        _all_answered(open_calls, at)
        open_calls = [str(call.get("id")) for call in objects(message.get("tool_calls"))]
    _all_answered(open_calls, len(messages))


def _all_answered(open_calls: list[str], at: int) -> None:
    if open_calls:
        left = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_calls)}"
        )
        raise ApiError(400, left, f"messages.[{at}].role")
