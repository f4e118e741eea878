"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import Misfit, Named


class SseCommentRewrappedAsData(MisfitRule):
    """A payload is a comment: it begins with a colon.

    ## What OpenAI does
    Sends JSON objects and ``[DONE]``.

    ## Why it matters
    No JSON begins with a colon, so clients raise at the first keep-alive. Relays do this when they put ``data: `` in
    front of every line they read; a gateway did it to OpenRouter's ``: OPENROUTER PROCESSING``.

    ## Repair
    Turned back into a comment.
    """

    name = "sse-comment-rewrapped-as-data"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.COMMENT

    def tell(self, named: Named) -> Finding:
        text = named.event.sse.text
        return self.found_in(named, f"the payload is a comment: {quote(text)}", expected=text, actual=f"data: {text}")
