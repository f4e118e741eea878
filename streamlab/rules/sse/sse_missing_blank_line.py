"""See the class."""

from __future__ import annotations

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.bad_payloads import Misfit, Named


class SseMissingBlankLine(MisfitRule):
    """Events are not parted by a blank line, so that they run together into one.

    Several ``data:`` lines that make up one document are legal; here each line is a document of its own.

    ## What OpenAI does
    Ends every event with a blank line.

    ## Why it matters
    Adjacent ``data:`` lines are joined into one payload, which is then two JSON documents and cannot be read: {clients:
    any} measured clients raise or lose the events. Where no blank line comes at all, the whole answer is one unfinished
    event and is thrown away without an error.

    ## Repair
    Each document becomes an event.
    """

    name = "sse-missing-blank-line"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    kind = Misfit.JOINED
    variants = ("a blank line comes behind them", "the body ends behind them", "it is the whole body")

    def tell(self, named: Named) -> Finding:
        documents = sum(bool(line.strip()) for line in (named.event.sse.data or b"").split(b"\n"))
        sse = named.event.sse
        return self.found_in(
            named,
            f"{documents} payloads run together for want of a blank line",
            expected="a blank line after each",
            variant=self.variants[0 if sse.terminated else 1 if sse.start else 2],
        )
