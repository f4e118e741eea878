"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import COMPLETED, OBSERVED_RESPONSES, UNCLOSED
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.fold import is_known
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent

_FORMS = {"message": "it is a message", "function_call": "it is a call"}


class ResponsesItemDoneMissing(ResponsesRule):
    """An output item was never done, although the response is completed.

    ## What OpenAI does
    Closes each item by ``response.output_item.done``, 2,946 of 2,949; the others are lists of MCP tools and one
    item of a response that failed.

    ## Why it matters
    Codex builds its answer from these events alone: text, reasoning and call are lost and the turn ends well. The
    AI SDK loses the call.

    ## Repair
    Written from the finished response, where that lists the item, or from its events where they told it whole. What
    broke off stays.
    """

    name = "responses-item-done-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL
    variants = ("it is a message", "it is a call")

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = self.response
        if response.terminal != COMPLETED or response.resumed or response.output.lost:
            return
        found = self.finished_items()
        for item in response.items:
            if item.open and item.opened and item.kind not in UNCLOSED:
                message = f"response.completed comes while output item {quote(item.index)} is not done"
                yield self.found(
                    message,
                    at,
                    path="type",
                    expected="response.output_item.done",
                    repairability=None if is_known(item, found.get(item.number)) else Repairability.NONE,
                    variant=_FORMS.get(item.kind),
                )
