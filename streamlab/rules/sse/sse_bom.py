"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.sse import BOM


class SseBom(Rule):
    """The stream begins with a byte order mark.

    Only at the very start: anywhere later the same three bytes are content, or part of a wrong field name.

    ## What OpenAI does
    Begins with the ``d`` of ``data``.

    ## Why it matters
    The standard says to skip the mark, and openai-python does not: the first field is then called ``\\ufeffdata`` and
    the first event is lost without an error. Where that event carries text, {clients: any when the first event carries
    content} measured clients lose it; where it carries the role, openai-node 4 raises.

    ## Repair
    The mark is taken out.
    """

    name = "sse-bom"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.LINES
    variants = (
        "the first event carries the role",
        "the first event carries content",
        "the first event carries a tool call",
    )

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or not sse.has_bom or not any(field.colon for field in sse.fields()):
            return
        yield self.found(
            "the stream begins with a byte order mark",
            at,
            span=(0, len(BOM)),
            actual=BOM.hex(" "),
            variant=_variant(reading.deltas(reading.chunk_of(event))),
        )


def _variant(deltas: list[JsonObject]) -> str | None:
    """By what a client loses with the first event."""
    if any(one.get("tool_calls") for one in deltas):
        return "the first event carries a tool call"
    if any(one.get("content") for one in deltas):
        return "the first event carries content"
    return "the first event carries the role" if any(one.get("role") for one in deltas) else None
