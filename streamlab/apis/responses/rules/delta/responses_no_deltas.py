"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity

_FORMS = {"message": "it is a text", "function_call": "it is the arguments of a call"}


class ResponsesNoDeltas(OddRule):
    """A text or the arguments of a call came whole, without a delta.

    ## What OpenAI does
    Sends at least one delta for each call, 573 of 573, and for each text that is not empty, 1,562 of 1,562.

    ## Why it matters
    A text is lost in nearly every client. Of a call's arguments most clients take what came whole, a warning; LangChain
    gives the tool ``{}``, LiteLLM nothing.

    ## Repair
    One delta is written before the whole.
    """

    name = "responses-no-deltas"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_DELTAS
    variants = ("it is a text", "it is the arguments of a call")

    def graded(self, one: Odd) -> Severity | None:
        item = self.response.item
        return Severity.WARNING if item is not None and item.is_call else None

    def form(self, one: Odd) -> str | None:
        item = self.response.item
        return _FORMS.get(item.kind) if item is not None else None
