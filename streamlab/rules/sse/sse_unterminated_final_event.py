"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire import reading
from streamlab.wire.bad_payloads import Misfit, misfit
from streamlab.wire.events import Done, StreamEvent, Undecodable
from streamlab.wire.reading import Fact


class SseUnterminatedFinalEvent(Rule):
    """The body ends without the blank line that would dispatch its last event.

    Not judged where the connection was cut: then the missing blank line is a consequence. Only told where the last
    event is ``[DONE]``, because there nothing is lost, and where the end of a message or a response has its line end
    in a file that knows no times: text files end with one, and recorders that keep answers as text cut the second.

    ## What OpenAI does
    Ends every event, the last one too, with a blank line.

    ## Why it matters
    The standard says to throw the unfinished event away, and {clients: any when it is the finish chunk} measured
    clients do: the finish reason, or the last words, are lost without an error. The others read it.

    ## Repair
    The blank line is put in when the payload is complete JSON or ``[DONE]``; half a payload cannot be mended.
    """

    name = "sse-unterminated-final-event"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.FRAMING
    ends_after = on
    alike = True
    variants = ("it is the finish chunk", "it is [DONE]")
    _last: Finding | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        sse = event.sse
        if sse is None or sse.terminated or sse.data is None:
            return
        half = isinstance(event, Undecodable)
        if isinstance(event, Undecodable) and misfit(event) is Misfit.JOINED:
            return  # no blank line anywhere is another deviation
        finishes = any(reading.finish_reason(one) for one in reading.choices(reading.chunk_of(event)))
        what = "[DONE]" if isinstance(event, Done) else "half a payload" if half else "a complete payload"
        found = self.found(
            f"the body ends after {what} without a blank line",
            at,
            expected="a blank line",
            actual=sse.raw[-60:],
            severity=Severity.INFO if isinstance(event, Done) or self._may_be_a_recorders(sse.raw) else None,
            repairability=Repairability.NONE if half else None,
            variant="it is [DONE]" if isinstance(event, Done) else "it is the finish chunk" if finishes else None,
        )
        self._last = self.placed(found, event)

    def _may_be_a_recorders(self, raw: bytes) -> bool:
        """Whether a file may have lost the blank line: twelve genuine recordings have, all by one recorder."""
        ctx = self.ctx
        # Where an answer ends is known of the APIs that are judged alone.
        whole = (ctx.finished or not ctx.api.judged) and not ctx.api.ends_with_done
        return whole and not ctx.received.timing_known and raw.endswith(b"\n")

    def end(self, ending: Ending) -> Findings:
        if self._last is not None and ending is Ending.COMPLETE:
            yield self._last
