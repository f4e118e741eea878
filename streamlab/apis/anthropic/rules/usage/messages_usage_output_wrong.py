"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of


class MessagesUsageOutputWrong(MessagesRule):
    """``output_tokens`` falls, or is 0 at the end of an answer.

    ## What Anthropic does
    Counts on: at the end at least as many as at the start in 4,057 of 4,057 streams, the same in 116, and never 0.
    The start says 0 to 625.

    ## Why it matters
    All clients report the wrong number; nothing else breaks. (A tracer that reports more than a right stream says may
    add the start to the end: `findings/openllmetry-adds-anthropic-output-to-itself.sh`.)

    ## Repair
    None: the right number is not on the wire.
    """

    name = "messages-usage-output-wrong"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    on = MessageFact.START | MessageFact.MESSAGE_DELTA

    _place: Place | None = None
    _start = 0
    _last: int | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        start = self.ctx.facts & MessageFact.START
        usage = as_object((as_object(self.messages.message) if start else chunk_of(event)).get("usage"))
        count = usage.get("output_tokens")
        if type(count) is not int:
            return
        if start:
            self._start = max(self._start, count)
        else:
            self._last, self._place = count, self.keep(at, event, "usage.output_tokens")

    def end(self, ending: Ending) -> Findings:
        held = any(block.text or block.given for block in self.messages.blocks)
        if self._last is None:
            return
        if self._last < self._start or (self._last == 0 and held):
            after = f"after {self._start} at the start" if self._start else "although there is an answer"
            yield self.found_at(
                self._place,
                f"output_tokens is {self._last} at the end, {after}",
                expected=self._start or 1,
                actual=self._last,
            )
