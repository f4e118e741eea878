"""See the class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, Stage
from streamlab.rules.sources import USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class _Names(NamedTuple):
    """What an API calls the numbers."""

    prompt: str
    completion: str
    prompt_details: str
    completion_details: str


_CHAT = _Names("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
_RESPONSES = _Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


class RepairCounts(Repair):
    """Counts as integers under OpenAI's names; a total that is the sum of its parts. Nothing is estimated."""

    rules = ("usage-inconsistent",)
    stage = Stage.CLOSING
    on = Fact.USAGE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def event(self, draft: Draft) -> Drafts:
        usage = draft.json.get("usage") if draft.is_chunk else None
        if type(usage) is dict and usage:
            self._repair(draft, usage)
        return (draft,)

    def _repair(self, draft: Draft, usage: JsonObject) -> None:
        _straighten(usage, lambda key, value: draft.put(self.rules[0], usage, key, value, "usage."))


def _straighten(usage: JsonObject, put: Callable[[str, int], None]) -> None:
    """Call ``put`` with every count that should be another; ``put`` sets it in ``usage``."""
    names = _CHAT
    for ours, theirs in ((_CHAT.prompt, _RESPONSES.prompt), (_CHAT.completion, _RESPONSES.completion)):
        if ours not in usage and theirs in usage:
            put(ours, usage.pop(theirs))
    for key in (names.prompt, names.completion, "total_tokens"):
        whole = _whole(usage.get(key))
        if whole is not None:
            put(key, whole)
    prompt, completion, total = (usage.get(key) for key in (names.prompt, names.completion, "total_tokens"))
    if type(prompt) is not int or type(completion) is not int or total == prompt + completion:
        return
    reasoning = _detail(usage, names.completion_details, "reasoning_tokens")
    if reasoning > 0 and total == prompt + completion + reasoning:
        put(names.completion, completion + reasoning)
    else:
        put("total_tokens", prompt + completion)


def _left(usage: Any) -> dict[str, Severity]:
    """The faults that stay when everything that follows from the numbers themselves is put right, by their paths."""
    if type(usage) is not dict or not usage:
        return {}
    straight = dict(usage)
    _straighten(straight, straight.__setitem__)
    return {path: severity for path, _, severity in _faults(straight, _CHAT)}


def counts(usage: JsonObject) -> bool:
    """Whether usage is an object of numbers, or can be made one."""
    return Severity.ERROR not in _left(usage).values()


def _whole(value: Any) -> int | None:
    """The whole number that a string or a float plainly is; None when it is none or is one already."""
    if type(value) is float and value.is_integer():
        return int(value)
    return int(value) if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16 else None


class UsageInconsistent(Rule):
    """Numbers in usage are missing, no whole numbers, negative, or contradict one another; or details are no object.

    ## What OpenAI does
    Sends whole numbers; the total is the sum of prompt and completion, and the details (cached, reasoning) are parts of
    these.

    ## Why it matters
    Strings make the AI SDK and BAML raise and LangChain.js join them like text; floats fail in BAML and TensorZero;
    null makes AutoGen raise, measured: those are errors. Missing or contradicting numbers give wrong costs, negative
    text tokens among them. xAI and Gemini count reasoning beside the completion, so their totals do not add up in
    OpenAI's reading. Details that are null harm nobody and are only noted.

    ## Repair
    Whole numbers are written as such, and the total is computed; details stay as they are.
    """

    name = "usage-inconsistent"
    severity = Severity.WARNING
    source = USAGE
    repairability = Repairability.SAFE
    repair = RepairCounts
    apis = Scope.OPENAI
    on = Fact.USAGE

    def event(self, at: int, event: StreamEvent) -> Findings:
        if self.ctx.api.name == api_names.RESPONSES:
            return
        usage = reading.chunk_of(event).get("usage")
        if usage is not None:
            for path, message, severity in _faults(usage, _CHAT):
                actual = usage if path == "usage" else None
                repairability = Repairability.NONE if path in _left(usage) else Repairability.SAFE
                yield self.found(message, at, path=path, actual=actual, severity=severity, repairability=repairability)

    def end(self, ending: Ending) -> Findings:
        usage = self.ctx.accumulator.usage if self.ctx.api.name == api_names.RESPONSES else None
        # What is missing there has rules of its own.
        if type(usage) is dict and all(type(usage.get(key)) is int for key in _COUNTS):
            for path, message, severity in _sums(usage, _RESPONSES):
                yield self.found(message, self.ctx.seen.last_chunk_at, path=f"response.{path}", severity=severity)


def _faults(usage: Any, names: _Names) -> Iterator[tuple[str, str, Severity]]:
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
    if sound:
        yield from _sums(usage, names)


def _other_names(usage: JsonObject, names: _Names) -> bool:
    other = _CHAT if names is _RESPONSES else _RESPONSES
    return other.prompt in usage or other.completion in usage


def _number_fault(value: Any) -> tuple[str, Severity] | None:
    if value == "(absent)":
        return "is missing", Severity.WARNING
    if value is None:
        return "is null", Severity.ERROR
    if type(value) is not int:
        return f"is {quote(value)}, no whole number", Severity.ERROR
    return (f"is {quote(value)}", Severity.WARNING) if value < 0 else None


def _sums(usage: JsonObject, names: _Names) -> Iterator[tuple[str, str, Severity]]:
    prompt, completion, total = usage[names.prompt], usage[names.completion], usage["total_tokens"]
    reasoning = _detail(usage, names.completion_details, "reasoning_tokens")
    if total != prompt + completion:
        beside = reasoning > 0 and total == prompt + completion + reasoning
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


def _detail(usage: JsonObject, details: str, key: str) -> int:
    value = reading.as_object(usage.get(details)).get(key)
    return value if type(value) is int else 0
