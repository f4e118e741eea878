"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_LIMIT_US = 2_000_000


class ErrorThenNoDone(Rule):
    """After an error the stream does not end.

    Either it is held open for more than two seconds, or it goes on with more of the answer. That only ``[DONE]`` is
    missing is done-missing.

    ## What OpenAI does
    Sends ``[DONE]`` after an error and ends the body; 7 of 7 recorded.

    ## Why it matters
    Clients that read to the end hang; those that stop at the error never see what follows it.

    ## Repair
    None: the error event itself ends the answer for every client, and no ``[DONE]`` is invented.
    """

    name = "error-then-no-done"
    severity = Severity.WARNING
    source = OBSERVED
    repairability = Repairability.NONE
    apis = Scope.OPENAI
    on = Fact.ERROR | Fact.AFTER_ERROR
    ends_after = Fact.ERROR

    _error_us: int | None = None

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if self.ctx.facts & Fact.ERROR:
            self._error_us = self.ctx.offset_us
            return None
        deltas = reading.deltas(reading.chunk_of(event))
        if all(_only_expires(one) for one in deltas):
            return None
        expected = "data: [DONE]" if self.ctx.api.ends_with_done else "the end of the body"
        return (self.found("the answer goes on after an error", at, path="choices", expected=expected),)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.seen.error_at is None or ctx.seen.done_at is not None:
            return
        waited_us = ctx.end_us - self._error_us if ctx.end_us is not None and self._error_us is not None else 0
        if ctx.received.timing_known and waited_us > _LIMIT_US:
            yield self.found(
                f"the response was held open for {waited_us / 1e6:.1f} s after the error",
                ctx.seen.error_at,
                expected=f"{'data: [DONE], then ' if ctx.api.ends_with_done else ''}the end of the body",
                actual=f"{waited_us / 1e6:.1f} s",
            )


def _only_expires(delta: dict[str, Any]) -> bool:
    """Whether a delta says no more than until when its audio is kept, as OpenAI's does after an error."""
    audio = delta.get("audio")
    return set(delta) == {"audio"} and type(audio) is dict and set(audio) == {"expires_at"}
