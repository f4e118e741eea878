"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesItemIdDuplicate(OddRule):
    """Two output items have one id.

    ## What OpenAI does
    Gives each its own.

    ## Why it matters
    openai-node's stream helper raises, LangChain (Python) gives the second call ``{}``, pydantic-ai fails.

    ## Repair
    The second gets a number behind its id, in all of its events.
    """

    name = "responses-item-id-duplicate"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_TWICE
