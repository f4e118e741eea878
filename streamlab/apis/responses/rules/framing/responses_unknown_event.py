"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesUnknownEvent(OddRule):
    """An event is of a type that is not known here.

    ## What OpenAI does
    Sent 49 types in 109,471 events; new ones appear.

    ## Why it matters
    openai-node's stream helper raises ``Unhandled response stream event`` on every type that it does not know; the
    others skip it. As the event that ends the response (``response.done``, ``response.cancelled``) it ends it for
    nobody. vLLM and Bedrock send ``response.reasoning_part``, which OpenAI has not.

    ## Repair
    ``response.done`` gets the name that its status tells, ``response.reasoning_part`` becomes
    ``response.content_part``; others are turned into comments on request.
    """

    name = "responses-unknown-event"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.UNKNOWN
