"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAILED, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ANSWERS, ResponsesRule, answer_form
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_list, as_object


class ResponsesItemsOnlyInCompleted(ResponsesRule):
    """The output stands in the finished response alone: no item was streamed.

    ## What OpenAI does
    Adds and closes every item in events of its own before.

    ## Why it matters
    Only OpenAI's stream helpers and its agents read the finished response. Codex, the AI SDK, LangChain, LiteLLM
    and everybody who reads the events has an empty answer.

    ## Repair
    The events of each item are written from the finished response.
    """

    name = "responses-items-only-in-completed"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL
    variants = ANSWERS

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = self.response
        listed = as_list((response.final or {}).get("output"))
        if listed and not response.items and not response.resumed and response.terminal != FAILED:
            yield self.found(
                f"output lists {len(listed)} items, none was streamed",
                at,
                path="response.output",
                expected="events of each item",
                actual=len(listed),
                variant=answer_form(str(as_object(one).get("type")) for one in listed),
            )
