"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import told_within
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule, placed
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


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
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.DELTA_TYPE
    variants = placed(
        ("null", "an object"), ("output_text.delta", "function_call_arguments.delta", "reasoning_summary_text.delta")
    )

    def form(self, one: Odd) -> str | None:
        return self.form_at(self._value or {}, "delta")

    def repairable(self, one: Odd) -> Repairability:
        told = one.actual is None or told_within(one.actual) is not None
        return Repairability.SAFE if told else Repairability.NONE
