"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.reading import Fact


class SseNoSpaceAfterColon(Rule):
    """``data:`` is not followed by a space.

    ## What OpenAI does
    Writes ``data: `` with one space, in every event of 2,573 recorded streams. The standard makes the space optional.

    ## Why it matters
    Readers that look for the six bytes ``data: `` see no events at all: one-api drops every event and ends with a lone
    ``[DONE]``, go-openai before April 2025 and openai-python 0.x fail too. huggingface_hub's InferenceClient knows
    ``[DONE]`` by its space alone, and raises where that is missing (measured; {clients: none} read it right).

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
    variants = ("it is missing before [DONE]", "it is missing elsewhere")

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        sse = event.sse
        variant = self.variants[not isinstance(event, Done)]
        # An empty value has nothing a space could stand before; an empty event has its own rule.
        if sse is None or not sse.data:
            return None
        if not self.ctx.facts & Fact.LINES:
            if sse.raw.startswith(b"data: "):
                return None
            return (self._found(at, sse.start, sse.raw.rstrip(b"\r\n"), variant),)
        for name, value, colon, space, line in sse.fields():
            if name == b"data" and colon and value and not space:
                return (self._found(at, line.start, line.content, variant),)
        return None

    def _found(self, at: int, start: int, line: bytes, variant: str) -> Finding:
        said, span = "data: is not followed by a space", (start, start + len(line))
        return self.found(said, at, span=span, expected="data: ", actual=line[:40], variant=variant)
