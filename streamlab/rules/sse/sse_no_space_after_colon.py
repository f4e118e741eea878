"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class SseNoSpaceAfterColon(Rule):
    """``data:`` is not followed by a space.

    ## What OpenAI does
    Writes ``data: `` with one space, in every event of 2,573 recorded streams. The standard makes the space optional.

    ## Why it matters
    Readers that look for the six bytes ``data: `` see no events at all: one-api drops every event and ends with a lone
    ``[DONE]``, huggingface_hub's InferenceClient raises (measured; {clients: none} read it right), go-openai before
    April 2025 and openai-python 0.x fail too.

    ## Repair
    The space is put in.
    """

    name = "sse-no-space-after-colon"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.FRAMING
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        sse = event.sse
        # An empty value has nothing a space could stand before; an empty event has its own rule.
        if sse is None or not sse.data:
            return None
        if not self.ctx.facts & Fact.LINES:
            return None if sse.raw.startswith(b"data: ") else (self._found(at, sse.start, sse.raw.rstrip(b"\r\n")),)
        for name, value, colon, space, line in sse.fields():
            if name == b"data" and colon and value and not space:
                return (self._found(at, line.start, line.content),)
        return None

    def _found(self, at: int, start: int, line: bytes) -> Finding:
        span = (start, start + len(line))
        return self.found("data: is not followed by a space", at, span=span, expected="data: ", actual=line[:40])
