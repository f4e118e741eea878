"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import TornPayloads
from streamlab.rules.sources import SSE
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.inserted import comment_at_end, comment_behind


class SseCommentInsideData(MisfitRule):
    """A keep-alive comment stands in the middle of an event.

    Said only when the payload is one JSON object without it.

    ## What OpenAI does
    Sends no comments. By the standard a comment is a line of its own.

    ## Why it matters
    A relay whose timer fires between two reads writes its comment where it happens to be. Its blank line ends the
    event, and the half that is left is no JSON: clients raise, or lose the text of both halves.

    ## Repair
    The comment is taken out, and the two halves are one event again. Inside a string only a known keep-alive with a
    blank line behind it is believed to be none of the model's text.
    """

    name = "sse-comment-inside-data"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = TornPayloads
    kind = Misfit.COMMENT_INSIDE

    def tell(self, named: Named) -> Finding:
        data = named.event.sse.data or b""
        torn = comment_at_end(data)
        behind = comment_behind(data) if torn is None else None
        text = torn[1] if torn is not None else behind.inserted[0] if behind is not None else _last_comment(named)
        where = "behind the JSON of an event" if behind is not None else "in the middle of an event"
        what = "a comment" if text.startswith(b":") else "a keep-alive"
        return self.found_in(named, f"{what} stands {where}: {quote(text.decode('utf-8', 'replace'))}", expected="JSON")


def _last_comment(named: Named) -> bytes:
    lines = [line.content for line in named.event.sse.filled_lines()]
    return next((line for line in reversed(lines) if line[:1] == b":"), b":")
