"""What an event of a Responses stream is, and what it means where it stands; the state of the response, tracked once.

`ResponsesReader` is asked about every event, in order. It keeps the response, its items and what came before, and says
by *facts* what is odd about an event's place, and in ``odd`` what exactly: rules and repairs wait for those facts and
ask the reader for the rest. The next delta of a piece takes the short way and has the fact `ResponseFact.DELTA` alone.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from streamlab.apis.responses.expectations import (
    COMPLETED,
    CREATED,
    ERROR,
    EVENT_TYPES,
    FAILED,
    FAMILY_ITEMS,
    INCOMPLETE,
    ITEM_ADDED,
    ITEM_DONE,
    LIFECYCLE,
    LOGPROBS_SINCE,
    OWN_MEMBERS,
    PARTS,
    PIECE_PART,
    PIECES,
    TERMINAL,
    family_of,
    is_own_keepalive,
    text_of,
)
from streamlab.apis.responses.facts import ODD, Odd, ResponseFact
from streamlab.apis.responses.final import untrue
from streamlab.apis.responses.items import Deltas, Item, Piece
from streamlab.apis.responses.numbers import Numbers, said_by
from streamlab.apis.responses.output import Output
from streamlab.rules.base import quote
from streamlab.wire.error_objects import flat_error
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact, as_object
from streamlab.wire.runs import Run, TextKind, Varying
from streamlab.wire.sse import ServerSentEvent

_F = ResponseFact
_ANYWHERE: Final = (ERROR, "keepalive")
_AFTER: Final = frozenset({"response.rate_limits.updated", "keepalive"})
#: What a piece adds, in the words of every API.
_ADDS: Final = {
    "response.output_text": Fact.CONTENT,
    "response.refusal": Fact.REFUSAL,
    "response.reasoning_text": Fact.REASONING,
    "response.reasoning_summary_text": Fact.REASONING,
    "response.function_call_arguments": Fact.TOOL_CALLS,
    "response.custom_tool_call_input": Fact.TOOL_CALLS,
    "response.mcp_call_arguments": Fact.TOOL_CALLS,
}
_KINDS: Final = {ITEM_ADDED: _F.ITEM_ADDED, ITEM_DONE: _F.ITEM_DONE}


class Next(NamedTuple):
    """What the next delta of the piece at hand looks like."""

    kind: str
    name: bytes
    item_id: Any
    index: Any
    member: str  # that numbers the part; output_index where there is none
    number: Any
    logprobs: str  # the member that has to be there; ``delta`` where none has
    piece: Piece
    facts: int

    def is_like(self, value: JsonObject) -> bool:
        """Whether an event, whatever its number, is a delta of that piece."""
        same = value.get("type") == self.kind and value.get("item_id") == self.item_id and self.logprobs in value
        return same and value.get("output_index") == self.index and value.get(self.member) == self.number


class ResponsesReader:
    """The response so far. After `read`, ``kind``, ``item`` and ``odd`` are about the event read."""

    repeated = _F.DELTA

    def __init__(self) -> None:
        # the response
        self.response: JsonObject | None = None  # as it was told first
        self.final: JsonObject | None = None  # of the event that ended it
        self.terminal = ""  # that event's type
        self.error: JsonObject | None = None
        self.resumed = False  # goes on where an earlier stream stopped
        self.numbers = Numbers()
        # the event read last
        self.kind = ""
        self.item: Item | None = None
        self.odd: list[Odd] = []
        self.output = Output(self.odd)
        self._at = -1
        self._next: Next | None = None
        self._seen: set[str] = set()  # types of events

    # -- what rules and repairs ask ----------------------------------------------------------------------------------

    @property
    def items(self) -> list[Item]:
        """The output items, in the order in which they were opened."""
        return self.output.items

    @property
    def id(self) -> str:
        """The id of the response; "" while it is not known."""
        return text_of(as_object(self.response).get("id"))

    @property
    def begun(self) -> bool:
        """Whether anything of a response came."""
        return any(kind.startswith("response.") for kind in self._seen)

    @property
    def finished(self) -> bool:
        """Whether the response has said how it ends."""
        return bool(self.terminal)

    @property
    def failed(self) -> bool:
        """Whether an error came."""
        return self.error is not None

    @property
    def called(self) -> list[Item]:
        """The calls that the client is to run."""
        return [item for item in self.items if item.is_call]

    def saw(self, kind: str) -> bool:
        """Whether an event of this type came."""
        return kind in self._seen

    @property
    def created_at(self) -> Any:
        """When the response was created, as it says itself."""
        return as_object(self.response).get("created_at")

    @property
    def logprobs_due(self) -> bool:
        """Whether text deltas have ``logprobs``: OpenAI sends them since June 2025."""
        made = self.created_at
        return not (type(made) in (int, float) and made < LOGPROBS_SINCE)

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, event: StreamEvent) -> int:
        """Take an event in; its facts."""
        self._at += 1
        if type(event) is Chunk:
            value, sse, due = event.json, event.sse, self._next
            if due is not None and value.get("type") == due.kind:
                piece, number = value.get("delta"), value.get("sequence_number")
                if (
                    type(piece) is str
                    and number == self.numbers.next
                    and type(number) is self.numbers.kind
                    and value.get("item_id") == due.item_id
                    and value.get("output_index") == due.index
                    and value.get(due.member) == due.number
                    and due.logprobs in value
                    and (sse is None or sse.event == due.name)
                ):
                    if self.odd:
                        self.odd.clear()
                    due.piece.text.add(piece)
                    due.piece.deltas += 1
                    self.numbers.follow(hash(piece))
                    return due.facts
            return self._read_object(value, sse)
        return self._read_other(event)

    # -- runs --------------------------------------------------------------------------------------------------------

    def varying(self, value: JsonObject) -> Varying | None:
        """What changes from the delta just read to the next ones."""
        if self._next is None or self.odd or not value.get("delta"):
            return None
        padding = "obfuscation" if type(value.get("obfuscation")) is str else ""
        number = "sequence_number" if type(value.get("sequence_number")) is int else ""
        return Varying(TextKind.CONTENT, "delta", 0, padding, number)

    def growing(self, run: Run) -> Deltas | None:
        """What a run of deltas adds to, where they are the next ones of the piece at hand."""
        due, value = self._next, run.template.chunk
        if due is None or run.first != self.numbers.next:
            return None
        return Deltas(due.piece, self.follow) if due.is_like(value) else None

    def follow(self, deltas: list[str]) -> None:
        """Deltas in a row were taken in."""
        self.odd.clear()
        self._at += len(deltas)
        self.numbers.follow_all(deltas)

    def read_json(self, value: JsonObject) -> int:
        """Take the JSON of an event in whose framing is not of interest."""
        self._at += 1
        if value.get("error") and not text_of(value.get("type")).startswith("response."):
            return self._read_error(value, None)
        return self._read_object(value, None)

    def _read_other(self, event: StreamEvent) -> int:
        self.odd.clear()
        self.kind, self.item = "", None
        if type(event) is ErrorPayload:
            if text_of(event.json.get("type")).startswith("response."):
                return self._read_object(event.json, event.sse)
            return self._read_error(event.json, event.sse)
        if type(event) is Comment or type(event) is Done:
            return 0
        if type(event) is Undecodable and not (event.sse.data or b"").strip():
            self._say(_F.FOREIGN, None, "an event has no data")
            return _F.FOREIGN
        return 0

    def _say(self, fact: int, path: str | None, said: str, expected: Any = None, actual: Any = None) -> None:
        self.odd.append(Odd(fact, path, said, expected, actual))

    def _facts(self, facts: int) -> int:
        for fact in (self.numbers.noted(self._at), *(one.fact for one in self.odd)):
            facts |= fact
        if self.kind not in self._seen:
            if len(self._seen) < 1000 and not facts & _F.HEARTBEAT:  # that is nothing of a response
                self._seen.add(self.kind)
            facts |= Fact.SHAPE
        return facts

    def _read_error(self, value: JsonObject, sse: ServerSentEvent | None) -> int:
        self.kind, self.item, self._next = ERROR, None, None
        typed = value.get("type") == ERROR
        if typed:
            self._name(sse, ERROR)
        if typed and type(value.get("sequence_number")) is int:
            self._number(value, ERROR, sse)
        if self.error is None:
            self.error = value
        return self._facts(_F.ERROR)

    def _name(self, sse: ServerSentEvent | None, kind: str) -> None:
        if sse is None or sse.event == kind.encode("utf-8", "surrogatepass"):
            return
        shown = (sse.event or b"").decode("utf-8", "replace")
        said = f"event: says {quote(shown)}, the type inside is {quote(kind)}" if shown else ""
        self._say(_F.NAME, "type" if shown else None, said or f"no event: line names {quote(kind)}", kind, shown)

    def _number(self, value: JsonObject, kind: str, sse: ServerSentEvent | None) -> bool:
        """Take in an event's number; False where the event comes a second time."""
        number = value.get("sequence_number")
        odd = self.numbers.take(number, said_by(value, sse), at=self._at, kind=kind, resumed=self.resumed)
        if odd is not None:
            self.odd.append(odd)
        return odd is None or odd.fact != _F.REPLAYED

    def _read_object(self, value: JsonObject, sse: ServerSentEvent | None) -> int:
        self.odd.clear()
        self.item, self._next = None, None
        kind = text_of(value.get("type"))
        if kind not in EVENT_TYPES and not kind.startswith("response."):
            named = _name_alone(kind, sse)
            if named:
                said = "the type stands in the event line alone" if not kind else f"the type inside is {quote(kind)}"
                self._say(_F.UNTYPED, "type", f"{said}, which says {quote(named)}", named, value.get("type"))
            kind = named or kind
        elif kind.startswith("response.") or kind in (ERROR, "keepalive"):
            self._name(sse, kind)
        self.kind = kind
        if is_own_keepalive(value):
            self._number(value, kind, sse)
            return self._facts(_F.KEEPALIVE)
        if not kind.startswith("response."):
            if kind == ERROR or flat_error(value) is not None:
                return self._read_error(value, None)
            return self._read_foreign(value, kind, sse)
        first = not self.begun
        if first:
            number = value.get("sequence_number")
            self.resumed = self.output.resumed = type(number) is int and number > 0 and kind != CREATED
        elif kind == CREATED:  # it begins after all
            self.resumed = self.output.resumed = False
        if self.terminal and kind not in _AFTER:
            self._say(_F.AFTER_END, "type", f"{kind} comes after {self.terminal}", None, kind)
            return self._facts(_F.OTHER)
        if not self._number(value, kind, sse) or self.terminal:
            return self._facts(_F.OTHER)
        facts = self._take(value, kind, sse)
        heartbeat = any(one.fact == _F.HEARTBEAT for one in self.odd)
        if first and not heartbeat and kind != CREATED and not (kind == FAILED and self.failed):
            self._say(_F.UNOPENED, "type", f"the stream opens with {kind}, not with response.created", CREATED, kind)
        return self._facts(facts)

    def _read_foreign(self, value: JsonObject, kind: str, sse: ServerSentEvent | None) -> int:
        """An object that is no event of this API: a ping, a chunk of another API, an object without a type."""
        number = value.get("sequence_number")
        if type(number) is int and number == self.numbers.next:
            self._number(value, kind, sse)
        members = quote(", ".join(map(str, list(value)[:6])))
        if kind:
            said = f"type {quote(kind)} is no event of the Responses API"
        else:
            said = f"an event has no type, only {members}" if value else "an event is an empty object"
        self._say(_F.FOREIGN, "type" if kind else None, said, "response.…", kind or None)
        typed = Fact.TYPED if kind else 0
        return self._facts(_F.FOREIGN | typed)

    # -- events of this API ------------------------------------------------------------------------------------------

    def _take(self, value: JsonObject, kind: str, sse: ServerSentEvent | None) -> int:
        if kind not in EVENT_TYPES:
            self._say(_F.UNKNOWN, "type", f"type {quote(kind)} is no event that is known", None, kind)
        if kind in LIFECYCLE:
            return self._lifecycle(value, kind)
        if self.output.lost:
            return _F.OTHER
        self.output.place = self.output.again = None
        member = OWN_MEMBERS.get(kind)
        if member is not None and value.get(member) is None:
            self._say(_F.NO_MEMBER, member, f"{member} of {kind} is {'null' if member in value else 'missing'}")
        if kind == ITEM_ADDED:
            self.item = self.output.open(value, kind)
            return _F.ITEM_ADDED
        if kind == ITEM_DONE:
            self.item = self.output.close(value, kind, self._at)
            return _F.ITEM_DONE | (Fact.NOTED if self.item is not None and self.item.is_call else 0)
        family, step = family_of(kind)
        if family not in FAMILY_ITEMS:
            return _F.OTHER
        self.item = self.output.find(value, kind, family)
        if self.item is None:
            return _F.OTHER  # a heartbeat
        if family in PARTS:
            self.output.part(value, kind, family, step, self.item)
            return _F.PART
        if family not in PIECES or step not in ("delta", "done"):
            return _F.OTHER
        piece = self.output.piece(value, kind, family, step, self.item)
        if step == "done":
            return _F.DONE
        return self._delta(value, kind, family, piece)

    def _delta(self, value: JsonObject, kind: str, family: str, piece: Piece | None) -> int:
        facts = _F.DELTA | (_ADDS.get(family, 0) if value.get("delta") is not None else 0)
        texts = family == "response.output_text"
        if texts and "logprobs" not in value and self.logprobs_due:
            self._say(_F.NO_LOGPROBS, "logprobs", f"{kind} has no logprobs", [])
        if piece is not None and not any(one.fact & ODD for one in self.odd):
            member = PIECE_PART.get(family, "output_index")
            needed = "logprobs" if texts and self.logprobs_due else "delta"
            place = value.get("item_id"), value.get("output_index"), member, value.get(member)
            self._next = Next(kind, kind.encode(), *place, needed, piece, facts)
        return facts

    def _lifecycle(self, value: JsonObject, kind: str) -> int:
        response = value.get("response")
        if type(response) is not dict:
            state = "is missing" if "response" not in value else f"is {quote(response)}"
            self._say(_F.NO_RESPONSE, "response", f"response of {kind} {state}", "the response", response)
            response = value if value.get("object") == "response" else {}
        found = response.get("id")
        if self.response is None or not self.id:
            self.response = {**as_object(self.response), **response}
        elif type(found) is str and found and found != self.id:
            said = f"the response's id changes from {quote(self.id)} to {quote(found)}"
            self._say(_F.IDS, "response.id", said, self.id, found)
        if kind == CREATED and self.saw(CREATED):
            self._say(_F.ORDER, "type", "response.created comes a second time")
        if kind not in TERMINAL:
            return _F.LIFECYCLE
        self.terminal, self.final = kind, response
        known = not self.resumed and not self.output.lost
        if kind in (COMPLETED, INCOMPLETE):
            self.odd += untrue(response, self.items if known else [], self.output.assumed)
        return _F.LIFECYCLE | _F.TERMINAL


def _name_alone(kind: str, sse: ServerSentEvent | None) -> str:
    """The type of an event that has none of this API's, where the event line tells it; "" where not."""
    named = (sse.event or b"").decode("utf-8", "replace") if sse is not None else ""
    known = named in EVENT_TYPES if kind else named.startswith("response.")
    return named if known and kind not in _ANYWHERE and named not in _ANYWHERE else ""


__all__ = ["ODD", "ResponseFact", "ResponsesReader"]
