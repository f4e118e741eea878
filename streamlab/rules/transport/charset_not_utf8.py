"""See the class."""

from __future__ import annotations

import re

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import SSE
from streamlab.rules.whole import Whole
from streamlab.wire.bodies import BodyKind

_CHARSET = lazy_pattern(r";[ \t]*charset[ \t]*=[ \t]*[\"']?([^\"';\s]*)", re.IGNORECASE)


class CharsetNotUtf8(Rule):
    """The Content-Type of an event stream names another character set than UTF-8.

    ## What OpenAI does
    Names ``utf-8``, or (until May 2024) none.

    ## Why it matters
    An event stream is always UTF-8 and readers of the standard ignore the parameter, as {clients: none} measured
    clients do; who honours it garbles everything beyond ASCII, as huggingface_hub does.

    ## Repair
    The parameter becomes ``utf-8``.
    """

    name = "charset-not-utf8"
    needs_framing = True
    severity = Severity.WARNING
    source = SSE
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    ends_after = Whole.HEADERS

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        value = ctx.head.header("content-type") if ctx.head is not None else None
        match = _CHARSET.search(value) if value is not None else None
        if match is None or ctx.received.kind is not BodyKind.SSE or match.group(1).lower() in ("utf-8", "utf8"):
            return
        said = f"the stream claims to be in {quote(match.group(1))}"
        yield self.found_in_head("content-type", said, expected="text/event-stream; charset=utf-8")
