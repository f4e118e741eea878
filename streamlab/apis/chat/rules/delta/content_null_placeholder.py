"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_INSTEAD = ("tool_calls", "function_call", "refusal", "audio", *reading.REASONING_KEYS)
_MAX_CHOICES = 16


class ContentNullPlaceholder(LateRule):
    """A delta has ``"content": null`` and nothing else in its place.

    ## What OpenAI does
    Opens a text with ``"content": ""`` and leaves the key out where there is no text. Null stands only in the opening
    delta of answers that are tool calls, a refusal or audio. Reasoning that follows stands in its place: OpenAI sends
    none, so nothing is said of it.

    ## Why it matters
    The schema allows it and every measured client takes it. Naive code in a browser writes ``null`` into the page.

    ## Repair
    The key is removed; in the opening delta of a text it becomes ``""``.
    """

    name = "content-null-placeholder"
    severity = Severity.INFO
    source = OBSERVED
    repairability = Repairability.SAFE
    repair = DeltaShape
    on = Fact.CONTENT_EMPTY | Fact.SHAPE  # reasoning begins with a shape of its own

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opening: dict[int, Place] = {}
        self._first: Place | None = None
        self._count = 0

    def event(self, at: int, event: StreamEvent) -> None:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            inner, index = reading.delta(choice), reading.choice_index(choice)
            if index in self._opening and self._is_thought_first(index, inner):
                del self._opening[index]
            if inner.get("content", "") is not None or any(inner.get(key) for key in _INSTEAD):
                continue
            path = f"choices[{position}].delta.content"
            if inner.get("role") and index not in self.ctx.accumulator.choices:
                # Whether null is right here depends on what the answer turns out to be.
                if len(self._opening) < _MAX_CHOICES:
                    self._opening[index] = self.keep(at, event, path)
                continue
            self._count += 1
            if self._first is None:
                self._first = self.keep(at, event, path)

    def _is_thought_first(self, index: int, inner: JsonObject) -> bool:
        """Whether a choice that opened with null reasons before it says a word of the answer."""
        thought = any(inner.get(key) for key in reading.REASONING_KEYS)
        return thought and not (inner.get("content") or self.ctx.accumulator.choices[index].content)

    def passes(self, run: Run) -> bool:
        delta = reading.deltas(run.template.chunk)[0]
        return delta.get("content", "") is not None or any(delta.get(key) for key in _INSTEAD)

    def end(self, ending: Ending) -> Findings:
        for index, place in self._opening.items():
            state = self.ctx.accumulator.choices[index]
            if state.content and not (state.calls or state.function_call or state.refusal):
                self._count += 1
                self._first = place if self._first is None else min(self._first, place, key=lambda one: one.at)
        if self._count:
            deltas = "a delta" if self._count == 1 else f"{self._count} deltas"
            yield self.found_at(
                self._first, f"content is null and nothing stands in its place in {deltas}", expected="(absent)"
            )
