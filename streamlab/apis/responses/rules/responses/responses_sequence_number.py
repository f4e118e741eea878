"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import NUMBERED_SINCE
from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import reading
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesSequenceNumber(Rule):
    """``sequence_number`` is missing, or does not go up by one from event to event.

    ## What OpenAI does
    Numbers every event of a Responses stream, from 0, by ones: 1,573 of 1,614 recorded streams; the others are older
    than May 2025, when OpenAI began to number, or go on where an earlier stream stopped (``starting_after``).

    ## Why it matters
    Clients written in Rust and Go declare the member as required and abandon the turn without it; clients that can
    resume take a gap for lost events. {clients: none} measured clients do not look at it. A number that starts again at
    0 is a mark of an event that a gateway made up (a synthetic ``response.failed``).

    ## Repair
    Numbered anew from 0, in order of arrival.
    """

    name = "responses-sequence-number"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.TYPED | Fact.ERROR

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._next: int | None = None
        self._numbers = 0
        self._absent = 0
        self._unnumbered = 0  # absent since the last number
        self._first_absent: tuple[int, str] | None = None
        self._created_at: Any = None

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk and type(event) is not ErrorPayload:
            return None
        chunk, kind = event.json, reading.event_type(event.json)
        if not kind:
            return None  # an error in another API's shape
        number = chunk.get("sequence_number")
        if type(number) is int:
            return self._numbered(at, chunk, number)
        if self._created_at is None:
            self._created_at = reading.as_object(chunk.get("response")).get("created_at")
        if not kind.startswith("response.") and kind != "error":
            return None  # no event of this API: another rule's affair, and it takes no number
        if number is not None:
            return (self._found(at, f"sequence_number of {quote(kind)} is {quote(number)}, no integer", number),)
        self._absent += 1
        if self._first_absent is None:
            self._first_absent = (at, kind)
        self._unnumbered += 1
        return None

    def _numbered(self, at: int, chunk: dict[str, Any], number: int) -> Findings | None:
        self._numbers += 1
        wanted, self._next = self._next, number + 1
        if wanted is None:
            resumed = reading.is_resumed(chunk, self.ctx.request)
            wanted = number if self._absent or resumed else 0
        skipped, self._unnumbered = self._unnumbered, 0
        if wanted <= number <= wanted + skipped:
            return None  # an event without a number may or may not have used one up
        return (self._found(at, f"sequence_number is {quote(number)} where {wanted} comes next", number, wanted),)

    def _found(self, at: int, message: str, actual: Any, expected: Any = None) -> Any:
        return self.found(message, at, path="sequence_number", expected=expected, actual=actual)

    def end(self, ending: Ending) -> Findings:
        if self._first_absent is None:
            return
        at, kind = self._first_absent
        if self._numbers:
            message = f"{self._absent} of {self._absent + self._numbers} events have no sequence_number"
            yield self.found(f"{message}, the first is {quote(kind)}", at, expected="a number in every event")
            return
        # Nobody numbered then, not even OpenAI; and no measured client minds that numbers are absent throughout.
        old = type(self._created_at) is int and self._created_at < NUMBERED_SINCE
        severity = Severity.INFO if old else Severity.WARNING
        repairability = Repairability.NONE if old else Repairability.SAFE
        yield self.found(
            "no event has a sequence_number", at, expected="0, 1, 2, …", severity=severity, repairability=repairability
        )
