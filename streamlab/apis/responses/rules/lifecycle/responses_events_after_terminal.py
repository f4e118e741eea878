"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CREATED, ITEM_ADDED, ITEM_DONE, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.final import ended_early
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.reading import as_object


class ResponsesEventsAfterTerminal(OddRule):
    """Events go on after the event that ends the response.

    ## What OpenAI does
    Sends nothing after ``response.completed``, ``incomplete`` or ``failed``, but for
    ``response.rate_limits.updated`` in 28 of 2,102 streams.

    ## Why it matters
    Codex stops reading at ``response.completed`` and loses an item that is done later; LangChain and pydantic-ai
    count the usage of a second end twice; a second answer makes OpenAI's stream helpers raise and agents run a call
    twice.

    ## Repair
    What comes after the end is dropped, and said so. An item that was not done gets its end from the finished
    response. Where the response was completed with nothing in it and its items come behind that, all stays as it is.
    """

    name = "responses-events-after-terminal"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.AFTER_END
    variants = (
        "an item is done",
        "the end comes again",
        "a second answer comes",
        "more of the answer comes",
        "a second answer comes, a call",
    )

    _begun = False  # a second answer
    _more = False  # another item

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._second: set[str] = set()  # the types of its items

    def form(self, one: Odd) -> str | None:
        self._begun = self._begun or one.actual == CREATED
        if self._begun:
            item = as_object((self._value or {}).get("item")).get("type")
            self._second.update({item} if type(item) is str else ())
            texts = all(known.kind == "message" for known in self.response.items)
            kind = next(iter(self._second)) if len(self._second) == 1 else ""
            form = {"message": self.variants[2], "function_call": self.variants[4]}.get(kind)
            return form if one.actual == self.response.terminal and texts else None
        self._more = self._more or one.actual == ITEM_ADDED
        if one.actual == self.response.terminal:
            return self.variants[1]
        if self._more:  # nobody was asked about an item that begins behind the end
            return None
        return {ITEM_DONE: self.variants[0], "response.output_text.delta": self.variants[3]}.get(one.actual)

    def repairable(self, one: Odd) -> Repairability | None:
        reader = self.response
        return Repairability.NONE if ended_early(reader.terminal, reader.final, reader.items) else None
