"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KIND, OddRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object

_ON_AND_ON = "response.output_text.delta comes after response.output_text.done"

#: Items that are kept until it is known whether they are added at all.
_MOST = 1_000
_NEITHER = "neither a part nor its message was opened"
_PLACES = ("content_index", "summary_index")
_NEVER = ("a message was never added", "a call was never added")


class ResponsesLifecycleOrder(OddRule):
    """The events of a response come in an order that no answer can have.

    ## What OpenAI does
    Adds each output item, opens its parts, fills them by deltas, closes them and says that the item is done; for
    each type of item the same events follow one another in all of 2,102 streams.

    ## Why it matters
    Clients that build the response while it streams index into what was opened before: the stream helpers of
    openai-python and openai-node raise, the AI SDK says ``text part … not found``, LangChain (Python) loses the
    name and id of a call.

    ## Repair
    A part that was never opened is opened: nothing in it is made up. An item of text or reasoning that was never
    added is added on request; a call needs a name, which is not on the wire yet. Whichever it is, it is done as the
    finished response has it, so that Codex holds it. A part that is opened again while it is open, with nothing in
    it, is opened once. On request, a delta is dropped that
    comes after the end of a text which was told whole. What else comes after its own end stays.
    """

    name = "responses-lifecycle-order"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.ORDER | ResponseFact.UNADDED | ResponseFact.UNPARTED
    variants = (
        *_NEVER,
        "a message is added late",
        "a call is added late",
        _NEITHER,
        "a part was never opened",
        "a text goes on behind its end",
    )

    _part = ""  # the type of the part that the event opens or closes

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._unadded: list[tuple[Item, Finding]] = []
        self._told: set[int] = set()  # those items, by number

    def event(self, at: int, event: StreamEvent) -> Findings:
        self._part = text_of(as_object(self.value(event).get("part")).get("type"))
        item, listed = self.response.item, list(super().event(at, event) or ())
        beside = any(one.variants == (_NEITHER,) for one in listed)
        if item is not None and len(self._told) < _MOST:
            self._told.update(item.number for one in self.response.odd if one.fact == ResponseFact.UNADDED)
        for found in listed:
            if item is not None and set(found.variants) & set(_NEVER) and len(self._unadded) < _MOST:
                told = changed(found, variants=(*found.variants, _NEITHER)) if beside else found
                self._unadded.append((item, self.placed(told, event)))
            elif not self._is_told(item, found):
                yield found

    def _is_told(self, item: Item | None, found: Finding) -> bool:
        """Whether a part was not opened either of an item that was never added, which is the same fact."""
        if item is None or item.opened or item.number not in self._told:
            return False
        return found.path in _PLACES and not self.response.kind.endswith(".added")

    def end(self, ending: Ending) -> Findings:
        for item, found in self._unadded:
            late = self.variants[2 + _NEVER.index(found.variants[0])]
            yield changed(found, variants=(late, *found.variants[1:])) if item.opened else found

    def form(self, one: Odd) -> str | None:
        if one.fact == ResponseFact.UNADDED:
            item = self.response.item
            kind = item.kind if item is not None else ""
            kind = "message" if not kind and self._part == "output_text" else kind
            return f"{KIND[kind]} was never added" if kind in KIND else None
        if one.fact == ResponseFact.UNPARTED:
            item = self.response.item
            if one.path != "content_index" or item is None:
                return None
            return self.variants[-2 if item.opened else -3]
        return self.variants[-1] if one.said == _ON_AND_ON else None

    def repairable(self, one: Odd) -> Repairability:
        item = self.response.item
        if one.fact == ResponseFact.UNPARTED and (item is None or item.opened or item.resumed):
            return Repairability.SAFE
        if item is None:
            return Repairability.NONE
        if one.fact == ResponseFact.ORDER and self.response.output.again is item:
            return Repairability.SAFE
        told = one.fact == ResponseFact.ORDER and item.was_told(self.response.kind, self.response.output.place)
        added = one.fact != ResponseFact.ORDER and item.number in self.response.output.addable
        return Repairability.UNSAFE if told or added else Repairability.NONE
