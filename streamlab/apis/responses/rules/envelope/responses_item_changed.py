"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesItemChanged(OddRule):
    """A call has another name, ``call_id`` or type when it is done than when it was added.

    ## What OpenAI does
    Keeps them, in 577 of 577 calls.

    ## Why it matters
    Done with an empty name, Codex says ``unsupported call``, and agents and the AI SDK raise; LangChain and
    pydantic-ai took the first name. A ``call_id`` that comes with the end alone is lost in LangChain and makes
    OpenAI's stream helpers raise.

    ## Repair
    What is empty or absent at the end is taken from the start. Where both say something, which of them is true is
    not on the wire.
    """

    name = "responses-item-changed"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.CHANGED
    variants = (
        "the call_id comes at the end alone",
        "the call_id is another at the end",
        "the name comes at the end alone",
        "the name is empty at the end",
        "the call_id is empty at the end",
        "the name is another at the end",
        "the type is another at the end",
    )

    def form(self, one: Odd) -> str | None:
        member = str(one.path).rpartition(".")[2]
        if member == "type":
            return "the type is another at the end"
        how = "comes at the end alone" if not one.expected else "is another at the end"
        return f"the {member} {how if one.actual else 'is empty at the end'}"

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if not one.actual or not one.expected else Repairability.NONE
