"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

#: Items remembered; a stream with more is not judged any further.
_MOST = 10_000


class ResponsesIdsUnstable(Rule):
    """The response or an output item changes its id inside one stream.

    ## What OpenAI does
    One ``response.id`` in all events that carry the response; one id for each item: in ``output_item.added``, as
    ``item_id`` of everything inside it, and in ``output_item.done``; one ``output_index`` for each id.

    ## Why it matters
    openai-python's stream helper raises when the response's identity changes. Clients that collect by ``item_id``
    (the AI SDK for one) find no item to add to, or begin a new one with every event; a follow-up by
    ``previous_response_id`` names a response nobody has. GitHub Copilot's gateway gives every event a new item id.

    ## Repair
    The first id is kept everywhere.
    """

    name = "responses-ids-unstable"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.TYPED

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._response: str | None = None
        self._ids: dict[int, str] = {}
        self._places: dict[str, int] = {}

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        chunk = event.json
        item_id, index = chunk.get("item_id"), chunk.get("output_index")
        if type(item_id) is str and type(index) is int:  # nearly every event
            return None if self._ids.get(index) == item_id else self._other(at, index, item_id, "item_id")
        response = chunk.get("response")
        if type(response) is dict:
            return self._identity(at, response.get("id"))
        item = reading.as_object(chunk.get("item"))
        if type(item.get("id")) is str and type(index) is int:
            return self._other(at, index, item["id"], "item.id")
        return None

    def _identity(self, at: int, found: Any) -> Findings | None:
        if type(found) is not str or not found:
            return None
        if self._response is None:
            self._response = found
        if found == self._response:
            return None
        message = f"the response's id changes from {quote(self._response)} to {quote(found)}"
        return (self.found(message, at, path="response.id", expected=self._response, actual=found),)

    def _other(self, at: int, index: int, item_id: str, path: str) -> tuple[Finding, ...] | None:
        known = self._ids.get(index)
        if known is None:
            return self._new(at, index, item_id)
        if known == item_id or not item_id:
            return None
        message = f"the id of output item {quote(index)} changes from {quote(known)} to {quote(item_id)}"
        return (self.found(message, at, path=path, expected=known, actual=item_id),)

    def _new(self, at: int, index: int, item_id: str) -> tuple[Finding, ...] | None:
        if len(self._ids) >= _MOST:
            self.retire()
            return None
        self._ids[index] = item_id
        place = self._places.setdefault(item_id, index) if item_id else index
        if place == index:
            return None
        message = f"item {quote(item_id)} moves from output_index {quote(place)} to {quote(index)}"
        return (self.found(message, at, path="output_index", expected=place, actual=index),)
