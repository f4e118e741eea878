"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_cut
from streamlab.rules.sources import HTTP1
from streamlab.wire import reading
from streamlab.wire.bodies import BodyKind
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class CloseDelimitedTruncation(Rule):
    """Nothing but the closing of the connection marks the end of the stream, so a cut cannot be told from an end.

    Told at the lowest severity when ``[DONE]`` or a finished answer shows that all came. Judged only on exchanges with
    arrival times, for those were taken off a socket: elsewhere the framing headers may have been lost or, with
    HTTP/2, never been there.

    ## What OpenAI does
    Sends chunked bodies (or HTTP/2), whose end is marked.

    ## Why it matters
    Cut in the middle, {clients: silent-loss when it looks like a proper end} measured clients take the half answer for
    a whole one.

    ## Repair
    The stream is sent on in chunks. Whether the answer was complete cannot be known without ``[DONE]``:
    one that stops without an end gets an error event.
    """

    name = "close-delimited-truncation"
    needs_framing = True
    severity = Severity.WARNING
    source = HTTP1
    repairability = Repairability.SAFE
    apis = Scope.OPENAI
    needs_timing = True
    on = Fact.UNDECODABLE
    variants = ("it looks like a proper end", "it stops inside a JSON")

    _torn: int | None = None  # the latest event that is no JSON

    def event(self, at: int, event: StreamEvent) -> None:
        self._torn = at

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        head = ctx.head
        if (
            head is None
            or ending is not Ending.COMPLETE
            or ctx.received.kind is not BodyKind.SSE
            or ctx.received.http_chunked
        ):
            return
        framed = head.header("transfer-encoding") is not None or head.header("content-length") is not None
        if framed or not head.http_version.startswith("1"):
            return
        last = reading.as_object(ctx.seen.last_chunk).get("type")
        ended = type(last) is str and last in ctx.api.ending_types
        if ctx.seen.done_at is not None or ctx.finished or ctx.seen.error_at is not None or ended:
            shown = "[DONE] or finish_reason" if ctx.api.ends_with_done else "last event"
            yield self.found(
                f"the body has neither chunks nor a length: only its {shown} shows that it is whole",
                expected=_EXPECTED,
                severity=Severity.INFO,
            )
        else:
            yield self.found(
                "the connection was closed, and nothing shows whether the answer was complete",
                expected=_EXPECTED,
                repairability=told_cut(ctx),
                variant=self.variants[self._torn is not None and self._torn == ctx.seen.events - 1],
            )


_EXPECTED = "Transfer-Encoding: chunked"
