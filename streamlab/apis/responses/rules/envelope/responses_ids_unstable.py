"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.final import ID_OF_CALL, ID_OF_OTHER
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.redaction.placeholders import changed_by_recorder
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


class ResponsesIdsUnstable(OddRule):
    """The response or an output item changes its id inside one stream.

    ## What OpenAI does
    Keeps one ``response.id`` in all events that carry the response, and one id for each item: when it is added, as
    ``item_id`` of everything inside it, when it is done, and in the finished response.

    ## Why it matters
    OpenAI's stream helpers raise; the AI SDK 6 finds no part to add to; Pydantic AI holds a call twice that is done
    under another id. GitHub Copilot's gateway gives every event another id. Where ``item_id`` alone is another,
    openai-python reads it right. Where the finished response alone has another id of a message or of reasoning, no
    measured client minds: a warning. With that of a call both helpers raise.

    ## Repair
    The first id is kept everywhere, also in the finished response.
    """

    name = "responses-ids-unstable"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.IDS
    variants = (
        "the id of the response changes",
        "the id of a message or of reasoning changes",
        "the id of a call changes",
        "item_id is not that of its message or reasoning",
        "item_id is not that of its call",
        ID_OF_CALL,
        ID_OF_OTHER,
    )

    def concerns(self, one: Odd) -> bool:
        return super().concerns(one) and not changed_by_recorder(one.expected, one.actual)

    def form(self, one: Odd) -> str | None:
        if one.form is not None or one.path == "output_index":
            return one.form
        if one.path == "response.id":
            return self.variants[0]
        item = self.response.item
        of_call = item is not None and item.is_call
        return self.variants[(3 if one.path == "item_id" else 1) + of_call]

    def graded(self, one: Odd) -> Severity | None:
        return Severity.WARNING if one.form == ID_OF_OTHER else None
