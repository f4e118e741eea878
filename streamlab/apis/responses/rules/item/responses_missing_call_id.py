"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CALLS, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule, lack
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

#: Calls that are kept; more are not told.
_MOST = 1_000


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
    source = RESPONSES
    repairability = Repairability.UNSAFE
    repair = ResponseRepair
    on = ResponseFact.ITEM_DONE
    variants = ("it is absent", "it is empty", "it is null")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._lacking: list[Finding] = []

    def event(self, at: int, event: StreamEvent) -> None:
        item = self.item_of(event)
        added = self.response.item
        kind = text_of(item.get("type")) or (text_of(added.added.get("type")) if added is not None else "")
        if kind in CALLS and not text_of(item.get("call_id")) and len(self._lacking) < _MOST:
            if added is not None and added.call_id:
                return  # it changed
            message = f"the call {quote(item.get('name'))} has no call_id"
            given = item.get("call_id")
            form = f"it is {lack(item, 'call_id')}"
            found = self.found(message, at, path="item.call_id", expected="call_…", actual=given, variant=form)
            self._lacking.append(self.placed(found, event))

    def end(self, ending: Ending) -> Findings:
        asked = len(self.response.called) == 1  # of several, other clients break
        for found in self._lacking:
            yield found if asked and set(found.variants) <= set(self.variants) else changed(found, variants=())
