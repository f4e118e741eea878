"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import NUMBERED_SINCE
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


class ResponsesSequenceNumber(OddRule):
    """``sequence_number`` is missing, or does not go up by one from event to event.

    ## What OpenAI does
    Numbers every event of a stream, from 0, by ones: 2,061 of 2,102 recorded streams; the others are older than 29
    May 2025, when OpenAI began to number, or go on where an earlier stream stopped (``starting_after``).

    ## Why it matters
    No measured client looks at it. Clients written in Rust and Go declare it as required and
    abandon the turn without it, and clients that resume take a gap for lost events. A number that starts again at 0
    is a mark of an event that a gateway made up.

    ## Repair
    Numbered anew, in order of arrival.
    """

    name = "responses-sequence-number"
    severity = Severity.WARNING
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NUMBER

    def end(self, ending: Ending) -> Findings:
        numbers = self.response.numbers
        if numbers.first_absent is None:
            return
        at, kind = numbers.first_absent
        if numbers.given:
            message = f"{numbers.absent} of {numbers.absent + numbers.given} events have no sequence_number"
            yield self.found(f"{message}, the first is {quote(kind)}", at, expected="a number in every event")
            return
        # Nobody numbered then, not even OpenAI.
        made = self.response.created_at
        old = type(made) is int and made < NUMBERED_SINCE
        yield self.found(
            "no event has a sequence_number",
            at,
            expected="0, 1, 2, …",
            severity=Severity.INFO if old else None,
            repairability=Repairability.NONE if old else None,
        )
