"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs.ended import Ended
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import SSE
from streamlab.rules.state import RuleState
from streamlab.wire.error_objects import tells_of_failure
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ErrorInComment(LateRule):
    """The answer breaks off, and why stands in a comment.

    Judged where the answer never finishes and no error is reported in its place: comments also talk of failures that
    a gateway has overcome.

    ## What OpenAI does
    Reports a failure as ``data: {"error": {...}}``.

    ## Why it matters
    A comment is thrown away by every reader of event streams, so no client learns that anything went wrong: half an
    answer looks like a whole one.

    ## Repair
    An error event with the text of the comment, where the answer breaks off.
    """

    name = "error-in-comment"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Ended
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.COMMENT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._place: Place | None = None
        self._said = b""

    def event(self, at: int, event: StreamEvent) -> None:
        sse = event.sse
        if sse is None or not sse.comments or sse.event is not None:
            return  # an event named "error" without data is sse-event-without-data
        said = next((text for text in sse.comments if tells_of_failure(text)), None)
        if said is not None:
            self._place, self._said = self.keep(at, event), said.strip()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if self._place is None or ending is not Ending.COMPLETE or not ctx.seen.data_events:
            return
        if ctx.seen.error_at is None and not ctx.finished:
            shown = self._said.decode("utf-8", "replace")
            yield self.found_at(
                self._place,
                f"the answer breaks off, and only a comment says why: {quote(shown)}",
                expected='data: {"error": {...}}',
                actual=shown,
            )
