"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_loss
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind


class Empty200(Rule):
    """The server says 200 and sends no answer at all.

    Judged only when the response ended properly: an empty body after a cut, a timeout or a client that left is what
    those have rules of their own for. White space is nothing; a comment is something.

    ## What OpenAI does
    Sends at least a role chunk, a finish chunk and ``[DONE]``, also for an answer without a single word.

    ## Why it matters
    {clients: silent-loss} measured clients, among them openai-python and openai-node, hand out an empty answer without
    complaint. Gateways count the request as a success and neither retry nor fail over.

    ## Repair
    None: nobody can know what the answer was. An error event says so. Ask again, or without ``stream``.
    """

    name = "empty-200"
    needs_framing = True
    severity = Severity.ERROR
    source = CHAT_STREAM
    of_some = Repairability.TOLD
    apis = Scope.EVERY
    ends_after = Whole.NO_STREAM

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.head is None or ending is not Ending.COMPLETE or ctx.received.kind is not BodyKind.EMPTY:
            return
        method = ctx.request.method.upper() if ctx.request is not None else "POST"
        if method in ("HEAD", "OPTIONS") or ctx.received.coding_fault is not None:
            return
        size = ctx.received.body_bytes
        what = "hold nothing" if ctx.received.coding_ended else "end before anything can be read of their coding"
        yield self.found(
            f"HTTP {ctx.head.status} with {f'{size} bytes that {what}' if size else 'an empty body'}",
            expected=ctx.api.shortest_stream,
            actual=ctx.received.prefix[:20].decode("utf-8", "replace"),
            repairability=told_loss(ctx),
        )
