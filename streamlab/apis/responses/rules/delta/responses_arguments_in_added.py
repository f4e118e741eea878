"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CALL_INPUT, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Piece
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

#: Places that are kept; more are not told.
_MOST = 1_000


class ResponsesArgumentsInAdded(ItemRule):
    """A call has its arguments already when it is added.

    ## What OpenAI does
    Adds calls with empty arguments, 573 of 573, and streams them.

    ## Why it matters
    With deltas as well, LangChain JS makes the call invalid, pydantic-ai fails and LiteLLM doubles the arguments.
    Without deltas nobody minds.

    ## Repair
    Emptied, and written as one delta where none comes.
    """

    name = "responses-arguments-in-added"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    variants = ("deltas come as well", "no delta comes")
    on = ResponseFact.ITEM_ADDED

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._given: list[tuple[Piece, Place, str]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        item = self.response.item
        if item is not None and item.is_call and len(self._given) < _MOST:
            for piece in item.pieces.values():
                if piece.given:
                    path = f"item.{CALL_INPUT[item.kind]}"
                    self._given.append((piece, self.keep(at, event, path), piece.given))

    def end(self, ending: Ending) -> Findings:
        for piece, place, given in self._given:
            both = piece.deltas > 0
            message = f"a call is added with {quote(given)}" + (", and deltas came as well" if both else "")
            severity = Severity.ERROR if both else None
            variant = self.variants[0 if both else 1]
            yield self.found_at(place, message, expected="", actual=given, severity=severity, variant=variant)
