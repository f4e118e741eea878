"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import Done, StreamEvent, Undecodable
from streamlab.wire.reading import Fact


class SseExtraLeadingSpace(Rule):
    """``data:`` is followed by more than one space.

    JSON may begin with spaces, so in front of a chunk they harm nobody; in front of ``[DONE]`` they hide it. Text that
    is no JSON may begin with a space of its own, and so may the later lines of a document that is laid out over
    several.

    ## What OpenAI does
    Writes exactly one space.

    ## Why it matters
    One space is taken off, the rest belongs to the payload, and `` [DONE]`` is not ``[DONE]``: {clients: raises}
    measured clients try to read it as JSON and raise at the very end of a good answer.

    ## Repair
    Written again with one space.
    """

    name = "sse-extra-leading-space"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.FRAMING
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or not (sse.data or b"").startswith((b" ", b"\t")) or isinstance(event, Undecodable):
            return
        marker = isinstance(event, Done)
        line = next(field.line for field in sse.fields() if field.name == b"data")
        yield self.found(
            "data: is followed by more than one space" + (", so that [DONE] is not recognised" if marker else ""),
            at,
            path="[DONE]" if marker else None,
            span=(line.start, line.start + len(line.content)),
            expected="data: [DONE]" if marker else "data: {",
            actual=line.content[:40],
            severity=None if marker else Severity.INFO,
        )
