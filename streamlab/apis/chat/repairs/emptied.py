"""What a chunk says, or that it says nothing any more: asked where a stream closes."""

from __future__ import annotations

from collections.abc import Container

from streamlab.rules.repair import ENVELOPE_KEYS
from streamlab.wire import reading
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.payload import JsonObject

_ANSWER = ("content", "tool_calls", "function_call", "refusal", "audio", *reading.REASONING_KEYS)


def no_logprobs(chunk: JsonObject) -> JsonObject:
    """The member that says of a choice made like those of a chunk that it has no logprobs, where those have it."""
    return {"logprobs": None} if any("logprobs" in choice for choice in reading.choices(chunk)) else {}


def answers(choice: JsonObject) -> bool:
    delta = reading.delta(choice)
    return bool(choice.get("text")) or any(delta.get(key) for key in _ANSWER)


def stops(choice: JsonObject) -> bool:
    """Whether a choice says why it stops, also in a value that nobody knows."""
    reason = choice.get("finish_reason")
    return not (reason is None or is_blank(reason))


def note_finishes(finished: dict[int, str], listed: list[JsonObject]) -> None:
    """Know of choices that finish, while what says so is held back."""
    for choice in listed:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and stops(choice):
            finished.setdefault(reading.choice_index(choice), reason)


def says_anything(choice: JsonObject) -> bool:
    return bool(choice.get("text")) or any(reading.delta(choice).values())


def is_shell(chunk: JsonObject, before: JsonObject | None = None) -> bool:
    """Whether a chunk says nothing: no text, no finish, no usage, and no member of the vendor's own that a chunk
    ``before`` it had not said."""
    return (
        not chunk.get("usage")
        and nothing_else(chunk, before)
        and all(
            not stops(choice) and not choice.get("logprobs") and not says_anything(choice)
            for choice in reading.choices(chunk)
        )
    )


def is_beyond(listed: list[JsonObject], finished: Container[int], lacks_calls: bool) -> bool:
    """Whether a chunk after ``[DONE]`` goes on with choices that had finished before it, where clients stop reading."""
    if lacks_calls and any(reading.delta(choice).get("tool_calls") for choice in listed):
        return False
    going_on = [choice for choice in listed if choice.get("text") or answers(choice)]
    return bool(going_on) and all(reading.choice_index(choice) in finished for choice in going_on)


def nothing_else(chunk: JsonObject, before: JsonObject | None = None) -> bool:
    own, known = (*ENVELOPE_KEYS, "choices", "usage", "obfuscation"), before or {}
    return not any(value and value != known.get(key) for key, value in chunk.items() if key not in own)
