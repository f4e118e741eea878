"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.cut import cut
from streamlab.apis.responses.expectations import COMPLETED, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesIncompleteMasked(ResponsesRule):
    """An answer that was cut is told as completed.

    ## What OpenAI does
    Ends an answer that ran into ``max_output_tokens`` or a filter by ``response.incomplete``;
    ``incomplete_details`` is null in every ``response.completed``, 2,049 of 2,049.

    ## Why it matters
    Codex, OpenAI's agents and its stream helper take a half answer for a whole one. The AI SDK and pydantic-ai read
    the reason all the same.

    ## Repair
    On request: ended by ``response.incomplete``. Clients that take that for a failure then say so.
    """

    name = "responses-incomplete-masked"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.UNSAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        final = self.response.final or {}
        if self.response.terminal != COMPLETED or not (why := cut(final)):
            return
        path = "response.incomplete_details" if final.get("incomplete_details") else "response.output"
        yield self.found(f"the response is completed, and {why}", at, path=path, expected="response.incomplete")
