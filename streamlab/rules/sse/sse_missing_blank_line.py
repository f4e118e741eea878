"""See the class."""

from __future__ import annotations

import re

from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.bad_payloads import Misfit, Named

_AT_LENGTH = re.compile(rb'"finish_reason"\s*:\s*"length"')
#: Who shows ``stop`` where no reason came is right by accident of an answer that stopped, and of no other.
_LENGTH = ", and the answer is cut at length"


class SseMissingBlankLine(MisfitRule):
    """Events are not parted by a blank line, so that they run together into one.

    Several ``data:`` lines that make up one document are legal; here each line is a document of its own.

    ## What OpenAI does
    Ends every event with a blank line.

    ## Why it matters
    Adjacent ``data:`` lines are joined into one payload, which is then two JSON documents and cannot be read: {clients:
    any} measured clients raise or lose the events. Where no blank line comes at all, the whole answer is one unfinished
    event and is thrown away without an error. Some clients tell ``stop`` then, whatever the reason was.

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
    variants = (
        "a blank line comes behind them",
        "the body ends behind them",
        "it is the whole body",
        f"the body ends behind them{_LENGTH}",
        f"it is the whole body{_LENGTH}",
    )

    def tell(self, named: Named) -> Finding:
        sse = named.event.sse
        data = sse.data or b""
        documents = sum(bool(line.strip()) for line in data.split(b"\n"))
        variant = self.variants[0 if sse.terminated else 1 if sse.start else 2]
        if not sse.terminated and _AT_LENGTH.search(data):
            variant += _LENGTH
        return self.found_in(
            named,
            f"{documents} payloads run together for want of a blank line",
            expected="a blank line after each",
            variant=variant,
        )
