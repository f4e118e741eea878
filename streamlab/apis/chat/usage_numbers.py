"""The numbers of usage: what is wrong with them, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streamlab.record import Record
from streamlab.rules.base import quote
from streamlab.rules.finding import Severity
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject


class _Names(Record, frozen=True):
    """What an API calls the numbers."""

    prompt: str
    completion: str
    prompt_details: str
    completion_details: str


CHAT = _Names("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
#: The counts that every usage of a chat has.
NUMBERS = (CHAT.prompt, CHAT.completion, "total_tokens")
RESPONSES = _Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")


def straighten(usage: JsonObject, put: Callable[[str, int], None]) -> None:
    """Call ``put`` with every count that should be another; ``put`` sets it in ``usage``."""
    names = CHAT
    for ours, theirs in ((CHAT.prompt, RESPONSES.prompt), (CHAT.completion, RESPONSES.completion)):
        if ours not in usage and theirs in usage:
            put(ours, usage.pop(theirs))
    for key in (names.prompt, names.completion, "total_tokens"):
        whole = _whole(usage.get(key))
        if whole is not None:
            put(key, whole)
    prompt, completion, total = (usage.get(key) for key in (names.prompt, names.completion, "total_tokens"))
    if type(prompt) is not int or type(completion) is not int or total == prompt + completion:
        return
    if counted_beside(usage):
        put(names.completion, completion + _reasoning(usage, names))
    else:
        put("total_tokens", prompt + completion)


def faults_left(usage: Any) -> dict[str, Severity]:
    """The faults that stay when everything that follows from the numbers themselves is put right, by their paths."""
    if type(usage) is not dict or not usage:
        return {}
    straight = dict(usage)
    straighten(straight, straight.__setitem__)
    return {path: severity for path, _, severity in faults(straight, CHAT)}


def counts(usage: JsonObject) -> bool:
    """Whether usage is an object of numbers, or can be made one."""
    return Severity.ERROR not in faults_left(usage).values()


def _whole(value: Any) -> int | None:
    """The whole number that a string or a float plainly is; None when it is none or is one already."""
    if type(value) is float and value.is_integer():
        return int(value)
    return int(value) if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16 else None


def faults(usage: Any, names: _Names) -> Iterator[tuple[str, str, Severity]]:
    """Path, message and severity of each thing that is wrong."""
    if type(usage) is not dict:
        yield "usage", f"usage is {quote(usage)}, no object", Severity.ERROR
        return
    if not usage:
        yield "usage", "usage is an empty object", Severity.WARNING
        return
    if names.prompt not in usage and names.completion not in usage and _other_names(usage, names):
        yield "usage", f"usage has other names: {', '.join(sorted(map(str, usage)))}"[:200], Severity.WARNING
        return
    sound = True
    for key in (names.prompt, names.completion, "total_tokens"):
        fault = _number_fault(usage.get(key, "(absent)"))
        if fault is not None:
            sound = False
            yield f"usage.{key}", f"{key} {fault[0]}", fault[1]
    for key in (names.prompt_details, names.completion_details):
        details = usage.get(key, {})
        if details is None:
            yield f"usage.{key}", f"{key} is null instead of absent", Severity.INFO
        elif type(details) is not dict:
            yield f"usage.{key}", f"{key} is {quote(details)}, no object", Severity.WARNING
        elif nulls := [part for part, count in details.items() if count is None]:
            yield f"usage.{key}.{nulls[0]}", f"{key} has null for {', '.join(map(quote, nulls))}"[:200], Severity.INFO
    if sound:
        yield from sums(usage, names)


def _other_names(usage: JsonObject, names: _Names) -> bool:
    other = CHAT if names is RESPONSES else RESPONSES
    return other.prompt in usage or other.completion in usage


def _number_fault(value: Any) -> tuple[str, Severity] | None:
    if value == "(absent)":
        return "is missing", Severity.WARNING
    if value is None:
        return "is null", Severity.ERROR
    if type(value) is not int:
        return f"is {quote(value)}, no whole number", Severity.ERROR
    return (f"is {quote(value)}", Severity.WARNING) if value < 0 else None


def sums(usage: JsonObject, names: _Names) -> Iterator[tuple[str, str, Severity]]:
    prompt, completion, total = usage[names.prompt], usage[names.completion], usage["total_tokens"]
    reasoning = _reasoning(usage, names)
    if total != prompt + completion:
        beside = counted_beside(usage, names)
        yield (
            "usage.total_tokens",
            f"total_tokens is {quote(total)}, not {quote(prompt)} + {quote(completion)}"
            + (f": {quote(reasoning)} reasoning tokens are counted beside the completion" if beside else ""),
            Severity.WARNING,
        )
        if beside:
            return  # what follows from this way of counting is no second contradiction
    for details, key, whole in (
        (names.completion_details, "reasoning_tokens", completion),
        (names.prompt_details, "cached_tokens", prompt),
    ):
        part = _detail(usage, details, key)
        if part > whole:
            message = f"{key} is {quote(part)}, more than the {quote(whole)} it is a part of"
            yield f"usage.{details}.{key}", message, Severity.WARNING


def counted_beside(usage: JsonObject, names: _Names = CHAT) -> bool:
    """Whether the total holds reasoning tokens that are no part of the completion."""
    prompt, completion, total = (usage.get(key) for key in (names.prompt, names.completion, "total_tokens"))
    reasoning = _reasoning(usage, names)
    if type(prompt) is not int or type(completion) is not int or reasoning <= 0:
        return False
    return total == prompt + completion + reasoning


def _reasoning(usage: JsonObject, names: _Names) -> int:
    """Reasoning tokens, which some say at the top of usage (GitHub Copilot for Gemini, Together)."""
    return _detail(usage, names.completion_details, "reasoning_tokens") or _count(usage.get("reasoning_tokens"))


def _detail(usage: JsonObject, details: str, key: str) -> int:
    return _count(reading.as_object(usage.get(details)).get(key))


def _count(value: Any) -> int:
    return value if type(value) is int else 0
