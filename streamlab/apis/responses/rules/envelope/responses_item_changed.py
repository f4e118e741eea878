"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule, lack
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject

#: Items that are kept; more are not told.
_MOST = 1_000
_START, _END = "output_item.added", "output_item.done"
_AT_LAST = "in output_item.done and the finished response"
_HOWS = ("absent", "null", "empty", "another")


class ResponsesItemChanged(OddRule):
    """A call has another name, ``call_id`` or type when it is done than when it was added.

    ## What OpenAI does
    Keeps them, in 577 of 577 calls.

    ## Why it matters
    Done with an empty name, Codex says ``unsupported call``, and agents and the AI SDK raise; LangChain and
    pydantic-ai took the first name. A ``call_id`` that comes with the end alone is lost in LangChain and makes
    OpenAI's stream helpers raise.

    ## Repair
    What is empty or absent at the end is taken from the start. Where both say something, which of them is true is
    not on the wire.
    """

    name = "responses-item-changed"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.CHANGED
    variants = tuple(
        f"the {member} is {how} in {event} alone"
        for event in (_START, _END)
        for member, hows in (("name", _HOWS), ("call_id", _HOWS), ("type", _HOWS[-1:]))
        for how in hows
    ) + tuple(f"the {member} is {how} {_AT_LAST}" for member in ("name", "call_id") for how in _HOWS[:-1])

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._changed: list[tuple[Item, str, Finding]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        found = zip(self._odd(), super().event(at, event) or (), strict=True)
        for one, finding in found:
            item = self.response.item
            if item is not None and len(self._changed) < _MOST:
                member = str(one.path).rpartition(".")[2]
                self._changed.append((item, member, self.placed(finding, event)))

    def _odd(self) -> list[Odd]:
        return [one for one in self.response.odd if self.concerns(one)]

    def end(self, ending: Ending) -> Findings:
        finished = self.finished_items()
        for item, member, finding in self._changed:
            form = self._form(item, member, finished.get(item.number, {}))
            yield self.in_form(finding, form)

    def _form(self, item: Item, member: str, finished: JsonObject) -> str | None:
        """Which of the start and the end is another than the finished response; None where both are, or neither."""
        start, end = item.added, item.done or {}
        told = [one.get(member) == finished.get(member) for one in (start, end)]
        if not finished.get(member):
            lost = bool(start.get(member)) and lack(end, member) == lack(finished, member)
            return f"the {member} is {lack(end, member)} {_AT_LAST}" if lost else None
        if told[0] == told[1]:
            return None
        other, where = (start, _START) if told[1] else (end, _END)
        return f"the {member} is {lack(other, member)} in {where} alone"

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if not one.actual or not one.expected else Repairability.NONE
