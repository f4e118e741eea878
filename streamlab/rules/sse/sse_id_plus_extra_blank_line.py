"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class SseIdPlusExtraBlankLine(Rule):
    """Events have an ``id:``, and a blank line comes where there is no event to end.

    Legal: an id only says where a client would resume, and further blank lines mean nothing. Each alone harms nobody.

    ## What OpenAI does
    Sends neither ids nor further blank lines.

    ## Why it matters
    openai-python keeps the last id as part of the event it is reading, so from then on every blank line that ends no
    data, also the one behind a comment, dispatches an event with empty data and raises a JSON error. The first
    keep-alive, some 15 seconds into a slow answer, ends it (measured: openai-python 2.54.0 and 3.51.0, LangChain,
    LiteLLM, pydantic-ai).

    ## Repair
    Ids are taken out: nobody resumes these streams.
    """

    name = "sse-id-plus-extra-blank-line"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    instead_of = frozenset({"sse-extra-blank-lines"})
    on = Fact.LINES
    _id: bytes | None = None

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or self.ctx.seen.done_at is not None:
            return
        blank_before = self._id and sse.raw[:1] in (b"\r", b"\n")
        blank_after = sse.id is None and self._id and sse.data is None and sse.terminated
        if sse.id is not None and b"\x00" not in sse.id:
            self._id = sse.id
        if blank_before or blank_after:
            last = (self._id or b"").decode("utf-8", "replace")
            yield self.found(
                f"a blank line ends no data while the last id {quote(last)} is still set",
                at,
                expected="no id, or no further blank lines",
                actual=sse.raw[:60],
            )
