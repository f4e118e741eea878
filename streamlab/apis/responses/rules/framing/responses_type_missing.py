"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesTypeMissing(OddRule):
    """The type of an event stands in its ``event:`` line alone.

    ## What OpenAI does
    Sends ``type`` in every event.

    ## Why it matters
    Every measured client reads the type there: they raise or hold nothing. Codex asks six times, pydantic-ai
    eleven.

    ## Repair
    Written from the event line.
    """

    name = "responses-type-missing"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.UNTYPED
