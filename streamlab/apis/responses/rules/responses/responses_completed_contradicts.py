"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesCompletedContradicts(Rule):
    """``response.completed`` says what the stream does not: an item that was never streamed, or that it is incomplete.

    ## What OpenAI does
    Announces every item of ``output`` by ``response.output_item.added``, and ends an answer that ran into
    ``max_output_tokens`` with ``response.incomplete``.

    ## Why it matters
    Who follows the events and who keeps the finished response hold different answers; a call that only the latter has
    runs for some clients alone. Codex takes a cut answer for a whole one when ``response.completed`` ends it.

    ## Repair
    None: which of the two is true is not on the wire.
    """

    name = "responses-completed-contradicts"
    severity = Severity.WARNING
    source = RESPONSES_STREAMING
    on = Fact.TYPED

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._added = 0
        self._first = True

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        chunk, first, self._first = event.json, self._first, False
        if first and reading.is_resumed(chunk, self.ctx.request):
            self.retire()
            return None
        kind = chunk["type"]
        if kind == "response.output_item.added":
            self._added += 1
        return self._completed(at, reading.as_object(chunk.get("response"))) if kind == "response.completed" else None

    def _completed(self, at: int, response: dict[str, Any]) -> Findings:
        listed = len(reading.as_list(response.get("output")))
        if 0 < self._added < listed:
            message = f"output lists {listed} items, {self._added} were streamed"
            yield self.found(message, at, path="response.output", expected=self._added, actual=listed)
        reason = reading.as_object(response.get("incomplete_details")).get("reason")
        if reason:
            message = f"the response is completed, and incomplete because of {quote(reason)}"
            yield self.found(message, at, path="response.incomplete_details.reason", expected=None, actual=reason)
