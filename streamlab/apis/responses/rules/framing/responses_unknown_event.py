"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.repairs.foreign import REASONING_PART, may_be_what_is_missing
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent

#: Members with which an event is one of the answer under another name.
_OF_THE_ANSWER = frozenset(("delta", "item", "part", "text", "arguments"))


class ResponsesUnknownEvent(OddRule):
    """An event is of a type that is not known here.

    ## What OpenAI does
    Sent 49 types in 109,471 events; new ones appear.

    ## Why it matters
    openai-node's stream helper raises ``Unhandled response stream event`` on every type that it does not know; the
    others skip it. As the event that ends the response (``response.done``, ``response.cancelled``) it ends it for
    nobody. vLLM and Bedrock send ``response.reasoning_part``, which OpenAI has not.

    ## Repair
    ``response.done`` gets the name that its status tells, where it says the answer that was streamed;
    ``response.reasoning_part`` becomes ``response.content_part``. Others are turned into comments on request, but for
    those that may be the start or the part that is missing.
    """

    name = "responses-unknown-event"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.UNKNOWN
    variants = (
        "it ends the response under another name",
        "it is the part of a reasoning",
        "it has nothing of the answer",
    )

    def form(self, one: Odd) -> str | None:
        value = self._value or {}
        if type(value.get("response")) is dict:
            status = value["response"].get("status")
            return self.variants[0] if status in ("completed", "incomplete") else None
        if self.response.kind.startswith(REASONING_PART):
            return self.variants[1]
        return None if _OF_THE_ANSWER.intersection(value) else self.variants[2]

    _ends = False  # the event ends the response, and is given its name

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        self._ends = self.is_named_end(event)
        return super().event(at, event)

    def repairable(self, one: Odd) -> Repairability:
        if self._ends or self.response.kind.startswith(REASONING_PART):
            return Repairability.SAFE
        odd = 0
        for other in self.response.odd:
            odd |= other.fact
        return Repairability.NONE if may_be_what_is_missing(odd) else Repairability.UNSAFE
