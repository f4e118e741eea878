"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.redaction import REDACTED
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import NGINX
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind
from streamlab.wire.header_values import values

_UNCACHED = frozenset({"no-cache", "no-store", "no-transform"})


class AntiBufferingHeadersMissing(Rule):
    """The stream asks nobody on its way not to buffer it.

    Neither ``Cache-Control: no-cache`` (or ``no-store``, ``no-transform``) nor ``X-Accel-Buffering: no``. Told only
    when ``Server`` or ``Via`` shows that the headers were kept as sent, and not behind Cloudflare, which passes event
    streams on as they come.

    ## What OpenAI does
    Stands behind Cloudflare and needs no hint.

    ## Why it matters
    nginx buffers answers by default: behind it the user sees nothing until the buffer is full or the answer over.
    Directly connected it makes no difference.

    ## Repair
    ``Cache-Control: no-cache`` is added, or ``X-Accel-Buffering: no`` where ``Cache-Control`` says something else.
    """

    name = "anti-buffering-headers-missing"
    needs_framing = True
    severity = Severity.INFO
    source = NGINX
    repairability = Repairability.SAFE
    apis = Scope.OPENAI
    ends_after = Whole.HEADERS

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.head is None or ctx.received.kind is not BodyKind.SSE:
            return
        headers = ctx.head.headers
        via = values(headers, "server") + values(headers, "via")
        if not via or any("cloudflare" in one.lower() or REDACTED in one for one in via):
            return
        hints = {one.lower() for one in values(headers, "cache-control")}
        if hints & _UNCACHED or "no" in (one.lower() for one in values(headers, "x-accel-buffering")):
            return
        yield self.found_in_head(
            "cache-control",
            "neither Cache-Control: no-cache nor X-Accel-Buffering: no: a proxy on the way may hold the stream back",
            expected="no-cache",
        )
