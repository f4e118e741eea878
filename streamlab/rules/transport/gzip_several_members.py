"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CLIENTS
from streamlab.rules.whole import Whole


class GzipSeveralMembers(Rule):
    """A gzipped stream is made of several members: somebody compresses each event by itself.

    Lawful (RFC 1952), and read rightly here, by Node, browsers and urllib3.

    ## What OpenAI does
    Sends streams uncompressed to the clients that were recorded.

    ## Why it matters
    httpx reads the first member and ends there, without an error: openai-python and all that stands on it hold one
    event of the answer. Readers of Go and Node go on.

    ## Repair
    The stream is sent on uncompressed.
    """

    name = "gzip-several-members"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    ends_after = Whole.CODED

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        coding = (ctx.head.header("content-encoding") or "").strip().lower() if ctx.head is not None else ""
        parts = ctx.received.coded_parts
        if coding in ("gzip", "x-gzip") and parts > 1 and ctx.seen.data_events > 1:
            yield self.found(
                f"the body is gzip of {parts} members",
                path="content-encoding",
                expected="one member, or no Content-Encoding",
                actual=parts,
            )
