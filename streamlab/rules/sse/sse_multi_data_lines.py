"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class SseMultiDataLines(Rule):
    """One JSON document is spread over several ``data:`` lines.

    ## What OpenAI does
    Writes every payload as one line; in 2,693 recorded streams no event has a second ``data:`` line. The event stream
    standard allows more: a reader joins them with line feeds.

    ## Why it matters
    Readers that take each line for an event parse half documents: huggingface_hub's InferenceClient raises (measured;
    {clients: none} read it right), one-api tears the event into one event per line.

    ## Repair
    The document is written again on one line.
    """

    name = "sse-multi-data-lines"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.LINES

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk | ErrorPayload) or event.sse is None or b"\n" not in (event.sse.data or b""):
            return
        lines = (event.sse.data or b"").count(b"\n") + 1
        yield self.found(f"one JSON document on {lines} data lines", at, expected="one data line", actual=event.sse.raw)
