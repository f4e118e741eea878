"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.usage_numbers import (
    CHAT,
    NUMBERS,
    RESPONSES,
    counted_beside,
    faults,
    faults_left,
    straighten,
    sums,
)
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, Stage
from streamlab.rules.sources import USAGE
from streamlab.rules.state import RuleState
from streamlab.rules.whole import Whole
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def _is_number(value: Any) -> bool:
    return type(value) is str and value.isdecimal()


class RepairCounts(Repair):
    """Counts as integers under OpenAI's names; a total that is the sum of its parts. Nothing is estimated."""

    rules = ("usage-inconsistent",)
    stage = Stage.CLOSING
    minds = 0
    on = Fact.USAGE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def event(self, draft: Draft) -> Drafts:
        usage = draft.json.get("usage") if draft.is_chunk else None
        if type(usage) is dict and usage:
            self._repair(draft, usage)
        return (draft,)

    def _repair(self, draft: Draft, usage: JsonObject) -> None:
        straighten(usage, lambda key, value: draft.put(self.rules[0], usage, key, value, "usage."))


class UsageInconsistent(Rule):
    """Numbers in usage are missing, no whole numbers, negative, or contradict one another; or details are no object.

    ## What OpenAI does
    Sends whole numbers; the total is the sum of prompt and completion, and the details (cached, reasoning) are parts of
    these. Only after an error it counts nothing at all.

    ## Why it matters
    Strings make the AI SDK and BAML raise and LangChain.js join them like text; floats fail in BAML and TensorZero;
    null at the end makes AutoGen raise, a null
    ``completion_tokens`` before it smolagents, measured: those are errors. Missing or contradicting
    numbers give wrong costs; of parts that are more than the whole the AI SDK makes negative text tokens, or 0 from
    version 7 on. xAI and Gemini count reasoning beside the completion, so
    their totals do not add up in OpenAI's reading; who adds the total up himself (LiteLLM, the AI SDK, pi-ai) ends with
    another than was sent. A prompt of 0 tokens that was asked all the same, as gateways say who lost the event with the
    count (higress-group/higress#4616), makes costs and context bars wrong. Details that are null, or have null for a
    count (OpenAI and Azure send numbers: 195 of 195), harm none of the measured clients and are only noted.

    ## Repair
    Whole numbers are written as such. Where reasoning is counted beside the completion, so that prompt, completion and
    reasoning add up to the total, the completion gets the reasoning and the total stays; else the total becomes the sum
    of prompt and completion. A number that is null or missing is not made up, nor what a prompt of 0 tokens had: where
    usage comes later, that is the one that is kept, and this one goes (usage-on-every-chunk). Details stay as they are.
    """

    name = "usage-inconsistent"
    severity = Severity.WARNING
    source = USAGE
    repairability = Repairability.SAFE
    repair = RepairCounts
    apis = Scope.OPENAI
    on = Fact.USAGE
    ends_after = Whole.TRACKED
    variants = (
        "completion_tokens is null",
        "completion_tokens is null before the finish",
        "prompt_tokens is null",
        "total_tokens is null",
        "total_tokens is null before the finish",
        "the numbers are floats",
        "the numbers are text",
        "reasoning is counted beside the completion",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._last: JsonObject | None = None  # the usage that is kept
        self._zero: Finding | None = None  # the last usage says that nothing was asked
        self._open: dict[tuple[Any, ...], tuple[Finding, list[int | None]]] = {}  # faults with where else they stand

    def event(self, at: int, event: StreamEvent) -> Findings:
        if self.ctx.api.name == api_names.RESPONSES:
            return
        usage = reading.chunk_of(event).get("usage")
        if usage is not None:
            # Of several it is usage-on-every-chunk that says what the last one counts.
            self._zero = self._nothing_asked(at, event, usage) if self._last is None else None
            self._last = usage if type(usage) is dict and usage else self._last
            wrong = list(faults(usage, CHAT))
            left = faults_left(usage) if wrong else {}
            for path, message, severity in wrong:
                key = path.removeprefix("usage.")
                variant = self._variant(event, usage, key)
                actual = usage if path == "usage" else usage.get(key)
                expected = "an integer" if key in NUMBERS and type(actual) is not int else None
                found = self.found(
                    message, at, path=path, expected=expected, actual=actual, severity=severity, variant=variant
                )
                if path in left:
                    self._leave(found, event)
                else:
                    yield found

    def _nothing_asked(self, at: int, event: StreamEvent, usage: Any) -> Finding | None:
        """A prompt without tokens where the request is known to have one."""
        if type(reading.as_object(usage).get(CHAT.prompt)) is not int or usage[CHAT.prompt] != 0:
            return None
        asked = "messages" if self.ctx.body.get("messages") else "prompt" if self.ctx.body.get("prompt") else None
        if asked is None:
            return None
        said = f"{CHAT.prompt} is 0, though the request has {'messages' if asked == 'messages' else 'a prompt'}"
        none = Repairability.NONE
        found = self.found(said, at, path=f"usage.{CHAT.prompt}", expected="1 or more", actual=0, repairability=none)
        return self.placed(found, event)

    def _leave(self, found: Finding, event: StreamEvent) -> None:
        """Nothing here says what the number is; usage that comes later may, and is the one that is kept."""
        open_, key = self._open, (found.path, found.message, found.variants)
        if key in open_:
            open_[key][1].append(found.event)
        else:
            open_[key] = (self.placed(found, event), [])

    def _variant(self, event: StreamEvent, usage: Any, key: str) -> str | None:
        """Which form of the deviation a number is; None for one that no client was asked about, as beside a cost that
        is no number: what that does to Agno is told by unknown-extension-fields."""
        value = usage.get(key, "(absent)") if type(usage) is dict and key in NUMBERS else "(absent)"
        if value is None:
            if self._goes_on(event):
                return f"{key} is null before the finish" if key != "prompt_tokens" else None
            return f"{key} is null" if not isinstance(usage.get("cost"), dict | list | str) else None
        if key == "total_tokens" and type(value) is int and counted_beside(usage):
            return self.variants[-1]
        return (
            "the numbers are floats" if type(value) is float else "the numbers are text" if _is_number(value) else None
        )

    def _goes_on(self, event: StreamEvent) -> bool:
        """Whether the answer has not finished, in this chunk or before: what counts is still to come."""
        choices = reading.choices(reading.chunk_of(event))
        return bool(choices) and not self.ctx.seen.finish_values and not any(map(reading.finish_reason, choices))

    def end(self, ending: Ending) -> Findings:
        left = faults_left(self._last) if self._open else {}
        for (path, *_), (first, others) in self._open.items():
            stays = path in left or reading.wants_running_usage(self.ctx.body)
            told = changed(first, repairability=Repairability.NONE if stays else Repairability.SAFE)
            yield told
            yield from (changed(told, event=at) for at in others)
        if self._zero is not None and ending is Ending.COMPLETE and self.ctx.seen.error_at is None:
            yield self._zero
        usage = self.ctx.accumulator.usage if self.ctx.api.name == api_names.RESPONSES else None
        # What is missing there has rules of its own.
        if type(usage) is dict and all(type(usage.get(key)) is int for key in _COUNTS):
            for path, message, severity in sums(usage, RESPONSES):
                yield self.found(message, self.ctx.seen.last_chunk_at, path=f"response.{path}", severity=severity)
