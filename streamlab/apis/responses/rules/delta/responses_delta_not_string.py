"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES, told_within
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesDeltaNotString(OddRule):
    """The ``delta`` of an event is no text.

    ## What OpenAI does
    Sends a string in every delta.

    ## Why it matters
    openai-python, OpenAI's agents, the AI SDK and LlamaIndex raise; LangChain and pydantic-ai skip it.

    ## Repair
    What is null or absent is filled with what the whole text, once it is told, has more; where that is nothing, or
    cannot be told apart, the event is dropped. An object that holds nothing but ``text`` gives that. Another value is
    not known to be text.
    """

    name = "responses-delta-not-string"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.DELTA_TYPE

    def repairable(self, one: Odd) -> Repairability:
        told = one.actual is None or told_within(one.actual) is not None
        return Repairability.SAFE if told else Repairability.NONE
