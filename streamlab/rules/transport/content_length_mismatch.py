"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_cut
from streamlab.rules.sources import HTTP1
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind
from streamlab.wire.header_values import values


class ContentLengthMismatch(Rule):
    """The body has another length than Content-Length promised, or a stream promised a length at all.

    A stream whose length is right is told at the lowest severity only: whoever knew it before the first byte had the
    whole answer before he sent any of it. Silent when the client left, and when chunked framing overrides the header.

    ## What OpenAI does
    Sends streams in chunks, never with a Content-Length.

    ## Why it matters
    When bytes are missing, {clients: raises} measured clients raise at the end of an answer that may have been
    complete; when there are more, the rest is taken for the next response on the connection.

    ## Repair
    The header is dropped and the body sent in chunks. What is missing stays missing, which an
    error event says.
    """

    name = "content-length-mismatch"
    needs_framing = True
    severity = Severity.ERROR
    source = HTTP1
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    statuses = ANY_STATUS
    ends_after = Whole.HEADERS

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.head is None or ending not in (Ending.COMPLETE, Ending.UPSTREAM_CUT, Ending.TIMED_OUT):
            return
        if ctx.head.header("transfer-encoding") is not None or (ctx.request and ctx.request.method.upper() == "HEAD"):
            return
        promised = {value for value in values(ctx.head.headers, "content-length") if value.isdecimal()}
        if len(promised) != 1:
            return
        value = promised.pop()
        if value.lstrip("0") != (str(ctx.received.body_bytes) if ctx.received.body_bytes else ""):
            short = len(value) < 18 and int(value) > ctx.received.body_bytes
            yield self.found(
                f"Content-Length promised {value[:20]} bytes and {ctx.received.body_bytes} came",
                path="content-length",
                expected=value,
                actual=ctx.received.body_bytes,
                repairability=told_cut(ctx) if short else Repairability.SAFE,
            )
        elif ctx.received.kind is BodyKind.SSE and ctx.seen.data_events > 1:
            yield self.found(
                f"the stream has a Content-Length ({value}): the whole answer was there before its first byte was sent",
                path="content-length",
                expected="Transfer-Encoding: chunked",
                actual=ctx.received.body_bytes,
                severity=Severity.INFO,
            )
