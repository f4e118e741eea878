"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.redaction import REDACTED
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import SSE
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind


class ContentTypeNotEventStream(Rule):
    """An event stream is not labelled ``text/event-stream``.

    Judged by the body: it has to hold events with data. Silent where a recorder took the value out, or those of
    all headers it kept, and where no header at all was kept.

    ## What OpenAI does
    Sends ``text/event-stream; charset=utf-8`` (until May 2024 without the charset), never anything else.

    ## Why it matters
    {clients: none} measured clients do not look. Browsers' ``EventSource`` refuses the stream, and gateways that choose
    between streaming and buffering by the type buffer it, or wrap it a second time into ``data: data: ...``.

    ## Repair
    The header is set.
    """

    name = "content-type-not-event-stream"
    needs_framing = True
    severity = Severity.WARNING
    source = SSE
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    ends_after = Whole.HEADERS

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if (
            ctx.head is None
            or not ctx.head.headers
            or ctx.received.kind is not BodyKind.SSE
            or not ctx.seen.data_events
            or ctx.received.framed
        ):
            return
        value = ctx.head.header("content-type")
        kept = [value] if value is not None else [held for _, held in ctx.head.headers]
        if ctx.content_type == "text/event-stream" or all(REDACTED in held for held in kept):
            return
        yield self.found_in_head(
            "content-type",
            "an event stream without Content-Type" if value is None else f"an event stream labelled {quote(value)}",
            expected="text/event-stream; charset=utf-8",
        )
