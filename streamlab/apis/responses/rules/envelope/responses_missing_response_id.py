"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import InLifeRule, lack, of_lives
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent


class ResponsesMissingResponseId(InLifeRule):
    """The response has no ``id``.

    ## What OpenAI does
    Names it in every event that carries the response.

    ## Why it matters
    Codex cannot read ``response.completed`` without it, asks six times and shows the text six times; OpenAI's
    stream helpers say that the response's identity changed.

    ## Repair
    The id of ``response.created``; not where an item was never done, since Codex takes items from their ends alone:
    it would take the answer for an empty one, where it raises now.
    """

    name = "responses-missing-response-id"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.LIFECYCLE
    variants = of_lives(("absent", "null", "empty"))

    def event(self, at: int, event: StreamEvent) -> None:
        response = self.value(event).get("response")
        if type(response) is dict and not text_of(response.get("id")):
            how = self.unlocked() if self.response.id else Repairability.NONE
            message = f"the response of {self.response.kind} has no id"
            found = self.found(message, at, path="response.id", expected=self.response.id or None, repairability=how)
            self.later(found, event, lack(response, "id"))
