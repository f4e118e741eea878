"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ADDABLE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesLifecycleOrder(OddRule):
    """The events of a response come in an order that no answer can have.

    ## What OpenAI does
    Adds each output item, opens its parts, fills them by deltas, closes them and says that the item is done; for
    each type of item the same events follow one another in all of 2,102 streams.

    ## Why it matters
    Clients that build the response while it streams index into what was opened before: the stream helpers of
    openai-python and openai-node raise, the AI SDK says ``text part … not found``, LangChain (Python) loses the
    name and id of a call.

    ## Repair
    A part that was never opened is opened: nothing in it is made up. An item of text or reasoning that was never
    added is added on request; a call needs a name, which is not on the wire yet. Whichever it is, it is done as the
    finished response has it, so that Codex holds it. On request, a delta is dropped that
    comes after the end of a text which was told whole. What else comes after its own end stays.
    """

    name = "responses-lifecycle-order"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ORDER | ResponseFact.UNADDED | ResponseFact.UNPARTED

    def repairable(self, one: Odd) -> Repairability:
        item = self.response.item
        if one.fact == ResponseFact.UNPARTED and (item is None or item.opened or item.resumed):
            return Repairability.SAFE
        if one.fact == ResponseFact.ORDER and item is not None:
            told = item.was_told(self.response.kind, self.response.output.place)
            return Repairability.UNSAFE if told else Repairability.NONE
        addable = one.fact != ResponseFact.ORDER and item is not None and item.kind in ADDABLE
        return Repairability.UNSAFE if addable else Repairability.NONE
