"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ResponsesErrorWithoutFailed(Rule):
    """An ``error`` event ends the stream, and no ``response.failed`` follows.

    ## What OpenAI does
    Sends the ``error`` event, and where the response had begun also ``response.failed``.

    ## Why it matters
    Codex goes by ``response.failed`` alone: it reports a stream that was closed too early, without the reason, and asks
    again.

    ## Repair
    None: the error is told, in the form that OpenAI's own clients raise.
    """

    name = "responses-error-without-failed"
    severity = Severity.INFO
    source = RESPONSES_STREAMING
    on = Fact.TYPED

    _error_at: int | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        kind = reading.event_type(reading.chunk_of(event))
        if kind == "error":
            self._error_at = at
        elif kind.startswith("response."):
            self._error_at = None

    def end(self, ending: Ending) -> Findings:
        if self._error_at is not None and ending is Ending.COMPLETE:
            yield self.found("no response.failed follows the error event", self._error_at, expected="response.failed")
