"""See the class."""

from __future__ import annotations

import re

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.losses import told_loss
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind

_TITLE = lazy_pattern(rb"<(?:title|h1)[^>]*>\s*([^<]{1,200})", re.IGNORECASE)


class HtmlBody200(Rule):
    """The server says 200 and sends a web page.

    Only the raw body is judged: markup inside a chunk's content is the model's answer. A stream that is merely
    labelled ``text/html`` is a matter of its Content-Type.

    ## What OpenAI does
    Never sends markup.

    ## Why it matters
    The page is a gateway's error, a login, or the landing page behind a wrong base URL. {clients: silent-loss} measured
    clients find no events in it and hand out an empty answer without an error.

    ## Repair
    None: there is no answer in it. An error event says so, with the first bytes in its message.
    """

    name = "html-body-200"
    needs_framing = True
    severity = Severity.ERROR
    source = CHAT_STREAM
    of_some = Repairability.TOLD
    apis = Scope.EVERY
    ends_after = Whole.NO_STREAM

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        said_so = ctx.content_type == "text/html" and ctx.received.kind is BodyKind.TEXT
        if ctx.head is None or not (ctx.received.kind is BodyKind.HTML or said_so):
            return
        match = _TITLE.search(ctx.received.prefix[:65536])
        title = match.group(1).decode("utf-8", "replace").strip() if match is not None else ""
        yield self.found(
            f"the body is a web page{f': {quote(title)}' if title else ''}",
            span=(0, ctx.received.decoded_bytes),
            expected=ctx.api.stream_start,
            actual=ctx.received.prefix[:200],
            repairability=told_loss(ctx),
        )
