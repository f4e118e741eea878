"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import FAILED
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ANSWERS, ResponsesRule, answer_form, lack
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent


class ResponsesCompletedOutputMissing(ResponsesRule):
    """The finished response has no list ``output``.

    ## What OpenAI does
    Sends the list in 2,102 of 2,102 streams.

    ## Why it matters
    LangChain, pydantic-ai and OpenAI's agents for JavaScript raise: what they go through is no list.

    ## Repair
    Filled with the items that were done, in their order.
    """

    name = "responses-completed-output-missing"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL
    variants = ("it is absent", "it is null", *(f"it is an object, and {answer}" for answer in ANSWERS))

    def event(self, at: int, event: StreamEvent) -> Findings:
        response, final = self.response, self.response.final or {}
        output = final.get("output")
        told = final or type(reading.chunk_of(event).get("response")) is dict
        if told and type(output) is not list and response.terminal != FAILED:
            state = f"is {quote(output)}" if "output" in final else "is missing"
            message = f"output of {response.terminal} {state}"
            answer = answer_form(item.kind for item in response.items)
            how = f"it is {lack(final, 'output')}" + (f", and {answer}" if output is not None else "")
            form = self.form_asked(how)
            expected = "a list of items"
            yield self.found(message, at, path="response.output", expected=expected, actual=output, variant=form)
