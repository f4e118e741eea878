"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import AFTER_TERMINAL, OPENING, PARTS, PIECE_PART, PIECES, TERMINAL
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

#: Items and parts remembered; a stream with more is not judged any further.
_MOST = 10_000

#: Items that OpenAI itself does not close before the response is completed.
_UNCLOSED = frozenset({"mcp_list_tools"})


class _Item:
    """An output item: its type, whether it is closed, which parts are open, and which pieces had their ``done``."""

    __slots__ = ("closed", "kind", "parts", "wholes")

    def __init__(self, kind: str = "") -> None:
        self.kind = kind
        self.closed = False
        self.parts: dict[Any, bool] = {}  # (kind of part, its number) -> still open
        self.wholes: set[Any] = set()


class ResponsesLifecycleOrder(Rule):
    """The events of a Responses stream come in an order that no answer can have.

    ## What OpenAI does
    ``response.created`` (or ``response.queued``) first; then, for each output item, ``output_item.added``, its parts
    opened, filled by deltas and closed, and ``output_item.done``; then exactly one of ``response.completed``,
    ``response.incomplete`` and ``response.failed``. Items are numbered 0, 1, 2 by ``output_index`` in order of opening.
    Only ``response.rate_limits.updated`` has ever followed the end.

    ## Why it matters
    Clients that build the response while it streams index into what was opened before. With the deltas alone, the
    stream helpers of openai-python 3.51 and 1.109 and of openai-node 7.55 and 4.104 raise (``missing output at index
    0``, ``IndexError``), and so does the AI SDK's ``@ai-sdk/openai``.

    ## Repair
    None: what is missing or out of order is not on the wire.
    """

    name = "responses-lifecycle-order"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    repairability = Repairability.NONE
    on = Fact.TYPED

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._first = True
        self._created = False
        self._ended: str | None = None
        self._items: dict[int, _Item] = {}
        self._parts = 0

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        chunk, kind = event.json, event.json["type"]
        if not kind.startswith("response."):
            return None
        if self._ended is not None:
            if kind in AFTER_TERMINAL:
                return None
            return (self._wrong(at, f"{kind} comes after {self._ended}", "type"),)
        opening = self._opening(at, kind, chunk)
        if self.retired:
            return None
        message = self._inside(kind, chunk)
        if kind in TERMINAL:
            self._ended = kind
        found = [opening] if opening else []
        if message is not None:
            found.append(self._wrong(at, *message))
        return found

    def _wrong(self, at: int, message: str, path: str) -> Finding:
        return self.found(message, at, path=path)

    def _opening(self, at: int, kind: str, chunk: dict[str, Any]) -> Finding | None:
        first, self._first = self._first, False
        if first:
            if reading.is_resumed(chunk, self.ctx.request):
                self.retire()  # what was opened before this stream began cannot be known
                return None
            self._created = kind == "response.created"
            if kind not in OPENING:
                return self._wrong(at, f"the stream opens with {kind}, not with response.created", "type")
        elif kind == "response.created":
            again, self._created = self._created, True
            if again:
                return self._wrong(at, "response.created comes a second time", "type")
        return None

    def _inside(self, kind: str, chunk: dict[str, Any]) -> tuple[str, str] | None:
        """What is wrong with an event's place among items and parts, and the member that says so."""
        if kind == "response.completed":
            open_items = [
                index for index, item in self._items.items() if not item.closed and item.kind not in _UNCLOSED
            ]
            return (
                (f"response.completed comes while output item {open_items[0]} is open", "type") if open_items else None
            )
        index = chunk.get("output_index")
        if type(index) is not int:
            return None  # a missing member is another rule's affair
        if kind == "response.output_item.added":
            return self._open(index, reading.event_type(reading.as_object(chunk.get("item"))))
        item = self._items.get(index)
        if item is None:
            self._items[index] = _Item()  # said once
            return f"{kind} is about output item {quote(index)}, which was never added", "output_index"
        if item.closed:
            return f"{kind} comes after output item {quote(index)} was done", "output_index"
        if kind == "response.output_item.done":
            item.closed = True
            still = next((part for part, is_open in item.parts.items() if is_open), None)
            return (f"output item {index} is done while its {still[0]} {still[1]} is open", "type") if still else None
        return self._piece(kind, chunk, item)

    def _open(self, index: int, kind: str) -> tuple[str, str] | None:
        if len(self._items) >= _MOST:
            self.retire()
            return None
        known, wanted = index in self._items, max(self._items, default=-1) + 1
        self._items[index] = _Item(kind)
        if known:
            return f"output_index {quote(index)} is opened a second time", "output_index"
        if index != wanted:
            return f"output_index is {quote(index)} where {wanted} comes next", "output_index"
        return None

    def _piece(self, kind: str, chunk: dict[str, Any], item: _Item) -> tuple[str, str] | None:
        family, _, step = kind.rpartition(".")
        if family in PARTS:
            return self._part(kind, step, PARTS[family], chunk, item)
        if family not in PIECES:
            return None
        member = PIECE_PART.get(family)
        number = chunk.get(member) if member is not None else None
        if member is not None:
            if type(number) is not int:
                return None
            if (member, number) not in item.parts:
                item.parts[member, number] = False  # said once
                return f"{kind} comes before its part was added", member
        if (family, number) in item.wholes:
            return f"{kind} comes after {family}.done", "type"
        if step == "done":
            item.wholes.add((family, number))
        return None

    def _part(self, kind: str, step: str, member: str, chunk: dict[str, Any], item: _Item) -> tuple[str, str] | None:
        number = chunk.get(member)
        if type(number) is not int:
            return None
        was = item.parts.get((member, number))
        item.parts[member, number] = step == "added"
        self._parts += 1
        if self._parts > 2 * _MOST:
            self.retire()
        if step == "added" and was is not None:
            return f"{kind} comes a second time for part {quote(number)}", member
        if step == "done" and was is not True:
            return f"{kind} comes before its part was added", member
        return None
