"""See the class."""

from __future__ import annotations

from collections.abc import Iterable

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import Field


class SseLineEndings(Rule):
    """Lines end in CR or CRLF.

    All three line ends are legal and may be mixed, so this is told and not held against the server, unless lines end
    in a bare CR: then readers that split at line feeds see one endless line.

    ## What OpenAI does
    Ends lines with LF alone, in 2,693 of 2,693 recorded streams of chat completions.

    ## Why it matters
    {clients: none} measured clients read CR, CRLF and mixtures right. Others do not: cc-switch before 3.13 repeats the
    request without streaming and pays twice, openai-go splits at LF only and so never sees the end of a line that ends
    in CR, hand-written readers that look for an empty line find a lone CR in it, and sseclient-py runs events together
    where an LF is followed by a CRLF.

    ## Repair
    Written again with LF.
    """

    name = "sse-line-endings"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.FRAMING
    alike = True
    variants = ("they are CRLF", "they are CR alone")

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or b"\r" not in sse.raw or (sse.data is None and not _has_field(sse.fields())):
            return
        pairs = sse.raw.count(b"\r\n")
        bare_returns = sse.raw.count(b"\r") - pairs
        mixed = bool(pairs) + bool(bare_returns) + (sse.raw.count(b"\n") > pairs) > 1
        style = "in a mixture of CR, LF and CRLF" if mixed else "in CRLF" if pairs else "in a bare CR"
        yield self.found(
            f"lines end {style}",
            at,
            expected="LF",
            actual=sse.raw[-8:],
            severity=Severity.WARNING if bare_returns and not mixed else None,
            variant=None if mixed else self.variants[0 if pairs else 1],
        )


def _has_field(fields: Iterable[Field]) -> bool:
    """Whether an event without data is one at all, and not the lines of a body that is no event stream."""
    return any(field.colon and field.name in (b"", b"event", b"id", b"retry") for field in fields)
