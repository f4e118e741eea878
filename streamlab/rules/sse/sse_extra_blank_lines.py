"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import BOM


class SseExtraBlankLines(Rule):
    """Blank lines come where there is no event to end: in front of the first, between two, or behind the last.

    Legal: the standard dispatches nothing for them. Told because some readers take one for an empty event. Where ids
    are set it is sse-id-plus-extra-blank-line.

    ## What OpenAI does
    Ends every event with one blank line, and has no other.

    ## Why it matters
    Hand-written readers that split at blank lines get an event without text, and some hand it to a JSON parser.

    ## Repair
    They are left out.
    """

    name = "sse-extra-blank-lines"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.LINES | Fact.FRAMING
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        raw = sse.raw.removeprefix(BOM) if sse is not None else b""
        blank = not raw.strip(b"\r\n")
        if sse is None or raw[:1] not in (b"\r", b"\n") or (blank and not at):  # a body of nothing else is empty
            return
        lines = raw[: len(raw) - len(raw.lstrip(b"\r\n"))]
        count = len(lines.splitlines())
        start = sse.start + len(sse.raw) - len(raw)
        yield self.found(
            f"{count} blank line{'s' * (count != 1)} where there is no event to end",
            at,
            span=(start, start + len(lines)),
            expected="no blank line but the one that ends an event",
            actual=lines[:40],
        )
