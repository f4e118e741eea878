"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.inserted import may_be_comment


class SseRawNewlineInJson(MisfitRule):
    """A raw line end in the JSON, mostly inside a string, tears the payload apart.

    Said only when the lines, put together, are one JSON document.

    ## What OpenAI does
    Escapes line ends in strings as ``\\n``, as JSON demands.

    ## Why it matters
    The line end ends the field; what follows is a line without a known field name and is ignored, or, after two line
    ends, an event of its own. The half that is left is no JSON: {clients: raises} measured clients raise, the others
    lose text.

    ## Repair
    The lines are joined with an escaped line end. Where a colon stands before a blank line, it may be a comment that
    somebody on the way wrote into the text: it is left, and said to be in doubt.
    """

    name = "sse-raw-newline-in-json"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.RAW_NEWLINE

    def tell(self, named: Named) -> Finding:
        said = "a raw line end tears the payload apart"
        if b"\n" not in (named.event.sse.data or b"") and may_be_comment(named.event.sse.data or b""):
            said += ", behind a colon: the text's own, or a comment that was written into it"
        return self.found_in(named, said, expected="\\n")
