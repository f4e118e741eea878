"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.gemini.answers import answer_in
from streamlab.apis.gemini.expectations import GEMINI_OBSERVED
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule
from streamlab.rules.finding import Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, as_list, as_object, chunk_of


class GeminiFinishRepeated(LateRule):
    """A candidate of Gemini's goes on after its ``finishReason``: with more of the answer, or with another reason.

    ## What Google does
    Says ``finishReason`` once, in the last chunk of its candidate: 86 of 86 recorded streams.

    ## Why it matters
    Whoever stops at the first one loses the rest; what translates the stream sends finish_reason more than once.

    ## Repair
    None here. Translated (``--to chat``), the stream finishes once.
    """

    name = "gemini-finish-repeated"
    severity = Severity.WARNING
    source = GEMINI_OBSERVED
    on = Fact.NO_CHOICES

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._finished: dict[Any, Any] = {}  # candidate -> its first reason

    def event(self, at: int, event: StreamEvent) -> Findings:
        answer, at_answer = answer_in(chunk_of(event))
        for position, one in enumerate(as_list(answer.get("candidates"))):
            candidate = as_object(one)
            index, reason = candidate.get("index", position), candidate.get("finishReason")
            first = self._finished.get(index) if type(index) is int else None
            if first is None:
                if reason and type(index) is int:
                    self._finished[index] = reason
                continue
            path = f"{at_answer}candidates[{position}]"
            if reason:
                message = f"finishReason {quote(reason)} comes after {quote(first)}"
                yield self.found(message, at, path=f"{path}.finishReason", expected="one", actual=reason)
            elif as_list(as_object(candidate.get("content")).get("parts")):
                message = f"the answer goes on after finishReason {quote(first)}"
                yield self.found(message, at, path=f"{path}.content", expected="nothing")
