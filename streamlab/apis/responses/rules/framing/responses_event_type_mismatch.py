"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING


class ResponsesEventTypeMismatch(OddRule):
    """The ``event:`` line of a Responses event is missing or names another type than the JSON.

    ## What OpenAI does
    Writes an ``event:`` line before every ``data:`` line, equal to the ``type`` inside: 109,471 of 109,471 events.
    OpenRouter's Responses streams have none.

    ## Why it matters
    No measured client goes by it. Listeners that subscribe by name, as a browser's ``EventSource`` has to, never
    hear of the event.

    ## Repair
    Written anew from ``type``.
    """

    name = "responses-event-type-mismatch"
    severity = Severity.INFO
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponseRepair
    needs_framing = True
    on = ResponseFact.NAME
    variants = ("no line names it", "the line says message")

    def form(self, one: Odd) -> str | None:
        if not one.actual:
            return self.variants[0]
        return self.variants[1] if one.actual == "message" else None
