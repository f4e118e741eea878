"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


class ResponsesIdsUnstable(OddRule):
    """The response or an output item changes its id inside one stream.

    ## What OpenAI does
    Keeps one ``response.id`` in all events that carry the response, and one id for each item: when it is added, as
    ``item_id`` of everything inside it, when it is done, and in the finished response.

    ## Why it matters
    OpenAI's stream helpers raise; the AI SDK 6 finds no part to add to; pydantic-ai cannot join a call's arguments.
    GitHub Copilot's gateway gives every event another id.

    ## Repair
    The first id is kept everywhere, also in the finished response.
    """

    name = "responses-ids-unstable"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.IDS
