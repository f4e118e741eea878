"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_cut
from streamlab.rules.sources import HTTP1
from streamlab.rules.whole import Whole


class TruncatedChunkedBody(Rule):
    """The connection ended before the HTTP message did.

    Whoever broke it off is the upstream: a client that left is not reported. A response that promised a length is
    judged by that length elsewhere. A connection that ended before any response came is told here too, in other
    words, because nothing else would speak of it; one that could not be made is not.

    ## What OpenAI does
    Ends every body with the last chunk of length 0.

    ## Why it matters
    Half of an answer is lost. Measured clients raise, which is right; but on Node 20 and older openai-node,
    @ai-sdk/openai and @langchain/openai notice nothing when the response has ``Connection: close``: the answer just
    ends and looks complete.

    ## Repair
    None: what is missing is lost. Neither a ``finish_reason`` nor ``[DONE]`` may be added; the mended stream ends with
    an error event, so that clients raise.
    """

    name = "truncated-chunked-body"
    needs_framing = True
    severity = Severity.ERROR
    source = HTTP1
    of_some = Repairability.TOLD
    apis = Scope.EVERY
    statuses = ANY_STATUS
    ends_after = Whole.CUT

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ending is not Ending.UPSTREAM_CUT:
            return
        if ctx.head is None:
            yield self.found(f"the connection ended before any response came{_because(ctx.notes)}")
            return
        if ctx.head.header("content-length") is not None and ctx.head.header("transfer-encoding") is None:
            return
        what = f"the body was cut after {ctx.received.body_bytes} bytes{_because(ctx.notes)}"
        if ctx.seen.done_at is not None:
            yield self.found(f"{what}; data: [DONE] had come", severity=Severity.WARNING, expected=_EXPECTED)
        else:
            yield self.found(what, expected=_EXPECTED, repairability=told_cut(ctx))


_EXPECTED = "the last chunk, 0\\r\\n\\r\\n"
_REASONS = {
    "fin": "the connection was closed",
    "rst": "the connection was reset",
    "missing-terminator": "the last chunk is missing",
}


def _because(notes: dict[str, Any]) -> str:
    reason = notes.get("ending_reason")
    if type(reason) is not str or not reason:
        return ""
    return f" ({_REASONS.get(reason) or quote(reason).strip(chr(39))})"
