"""See the class."""

from __future__ import annotations

from itertools import chain

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Ended
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import SSE
from streamlab.rules.state import RuleState
from streamlab.wire.error_objects import error_field, tells_of_failure
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact


class ErrorInComment(LateRule):
    """The answer breaks off, and why stands in a comment, or in a line that is no field.

    Judged where the answer never finishes and no error is reported in its place: comments also talk of failures that
    a gateway has overcome.

    ## What OpenAI does
    Reports a failure as ``data: {"error": {...}}``.

    ## Why it matters
    A comment is thrown away by every reader of event streams, so no client learns that anything went wrong: half an
    answer looks like a whole one.

    ## Repair
    An error event with the text of the comment, or the error that its JSON is, where the answer breaks off.
    """

    name = "error-in-comment"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Ended
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.COMMENT | Fact.LINES
    ends_after = on

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._place: Place | None = None
        self._said = b""
        self._in_comment = True

    def event(self, at: int, event: StreamEvent) -> None:
        sse = event.sse
        if sse is None or (sse.event is not None and sse.data is None) or error_field(sse.raw) is not None:
            return  # sse-event-without-data, where it is named "error", and error-field-line
        lines = () if sse.event is not None else sse.filled_lines()
        texts = chain(sse.comments, (line.content for line in lines if not _is_object(line.content)))
        said = next((text for text in texts if tells_of_failure(text)), None)
        if said is not None:
            self._place, self._said, self._in_comment = self.keep(at, event), said.strip(), said in sse.comments

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if self._place is None or ending is not Ending.COMPLETE or not ctx.seen.data_events:
            return
        if ctx.seen.error_at is None and not ctx.finished:
            shown = self._said.decode("utf-8", "replace")
            where = "a comment" if self._in_comment else "a line that no client reads"
            yield self.found_at(
                self._place,
                f"the answer breaks off, and only {where} says why: {quote(shown)}",
                expected='data: {"error": {...}}',
                actual=shown,
            )


def _is_object(line: bytes) -> bool:
    """Whether a line is a JSON object, which is told as such: sse-ndjson-instead."""
    payload = decode_payload(line) if line[:1] == b"{" else None
    return payload is not None and payload.ok and type(payload.value) is dict and not payload.faults
