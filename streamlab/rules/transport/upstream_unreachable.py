"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import HTTP
from streamlab.rules.whole import Whole


class UpstreamUnreachable(Rule):
    """The request reached nobody: no connection to the upstream could be made, or no response came in time.

    A connection that ended before a response came is another deviation; silent where the client left first or the
    recording was stopped.

    ## What OpenAI does
    Accepts the connection and answers, if only with an error.

    ## Why it matters
    There is no answer, and nothing was judged: without this finding a check would pass although nobody was asked.

    ## Repair
    None: there is nothing to repair.
    """

    name = "upstream-unreachable"
    severity = Severity.ERROR
    source = HTTP
    apis = Scope.EVERY
    statuses = ANY_STATUS
    ends_after = Whole.NO_STREAM

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.head is not None or ctx.received.body_bytes:
            return
        reason = ctx.notes.get("ending_reason")
        because = f" ({quote(reason)[1:-1]})" if isinstance(reason, str) and reason else ""
        if ending is Ending.UNREACHABLE:
            yield self.found(f"no connection to the upstream could be made{because}")
        elif ending is Ending.TIMED_OUT:
            yield self.found(f"no response came in time{because}")
