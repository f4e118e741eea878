"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CALLS, OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject


class ResponsesMissingCallId(ItemRule):
    """A call has no ``call_id``.

    ## What OpenAI does
    Sends one with every call, 577 of 577.

    ## Why it matters
    Absent, Codex loses the call and answers nothing, the AI SDK, openai-node and OpenAI's agents raise. Empty, the
    agents raise, LangChain JS makes the call invalid, and Codex sends the empty id back.

    ## Repair
    On request one is made up of the item's id, the same in all events. The server that gets it back has to know it.
    """

    name = "responses-missing-call-id"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.UNSAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_DONE
    variants = ("it is absent", "it is empty", "it is null")

    def event(self, at: int, event: StreamEvent) -> Findings:
        item = self.item_of(event)
        added = self.response.item
        kind = text_of(item.get("type")) or (text_of(added.added.get("type")) if added is not None else "")
        if kind in CALLS and not text_of(item.get("call_id")):
            if added is not None and added.call_id:
                return  # it changed
            message = f"the call {quote(item.get('name'))} has no call_id"
            given = item.get("call_id")
            form = self._form(item)
            yield self.found(message, at, path="item.call_id", expected="call_…", actual=given, variant=form)

    def _form(self, item: JsonObject) -> str | None:
        """Which form it is; None for another type, about which no client was asked."""
        if "call_id" not in item:
            return self.variants[0]
        if item["call_id"] is None:
            return self.variants[2]
        return self.variants[1] if item["call_id"] == "" else None
