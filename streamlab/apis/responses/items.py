"""An output item of a response while it is read: its identity, whether it is open, and what was added to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from streamlab.apis.responses.expectations import (
    CALLS,
    FAMILY_ITEMS,
    ITEM_EVENTS,
    PARTS,
    PIECE_PART,
    PIECES,
    family_of,
    input_in,
    text_of,
)
from streamlab.wire.accumulate import Text
from streamlab.wire.payload import JsonObject, decode_payload, encode_json
from streamlab.wire.reading import as_list, as_object

#: A piece of an item: its family, and the part it lies in (0 where it lies in the item itself).
PieceKey = tuple[str, int]
#: Parts of an item that are counted.
MOST_PARTS: Final = 256


class Piece:
    """A text or arguments that come in deltas."""

    __slots__ = ("agrees", "deltas", "done", "doubtful", "given", "lost_at", "text")

    def __init__(self) -> None:
        self.text = Text()
        self.deltas = 0
        self.done: str | None = None  # what its ``.done`` held
        self.given = ""  # what the item or part held already when it was opened
        self.doubtful = False  # a delta was no text: what it came to is not known
        self.lost_at: int | None = None  # how much had come before the first delta that is null
        self.agrees: bool | None = None  # whether the finished item holds what the deltas came to

    def add(self, delta: str) -> None:
        """One more delta."""
        self.text.add(delta)
        self.deltas += 1

    def missing(self, whole: str, start: int) -> str:
        """What the text lacks of a whole at a place, where that is all that it lacks; "" where it is not."""
        text = str(self.text)
        before, after = text[:start], text[start:]
        fits = len(whole) > len(text) and whole.startswith(before) and whole.endswith(after)
        return whole[start : len(whole) - len(after)] if fits else ""

    @property
    def whole(self) -> str:
        """What a client holds of it: the deltas, or what came whole."""
        return str(self.text) if self.deltas else self.done or self.given

    @property
    def told(self) -> bool:
        """Whether it was said to be whole, and its deltas came to that."""
        return self.done is not None and (self.done == str(self.text) or not self.deltas)


class Deltas:
    """What a run of deltas adds to; ``follow`` is told of them."""

    __slots__ = ("_follow", "_piece")

    def __init__(self, piece: Piece, follow: Callable[[list[str]], None]) -> None:
        self._piece = piece
        self._follow = follow

    def extend(self, texts: list[str]) -> None:
        """Take in the deltas of all of them."""
        self._piece.text.extend(texts)
        self._piece.deltas += len(texts)
        self._follow(texts)


class Parts(dict[tuple[str, int], bool | None]):
    """The parts of an item: the member that numbers each and its number -> whether it is still open; None where nobody
    opened it."""

    __slots__ = ("misnumbered",)

    def __init__(self, parts: Iterable[tuple[tuple[str, int], bool | None]] = ()) -> None:
        super().__init__(parts)
        self.misnumbered: dict[tuple[str, int], int] = {}  # member and number that was due -> that it was opened by

    def meant(self, member: str, number: int) -> int:
        """The number by which the part of an event was opened: a wrong one, where the event has that which was due."""
        other = self.misnumbered.get((member, number))
        opened = (member, number) in self or other is None or not self.get((member, other))
        return number if opened or other is None else other

    def before(self, member: str, number: int) -> int:
        """How many parts were met before one. One that nobody opened is none of them where its number was not the next:
        where it belongs is not on the wire."""
        met = 0
        for (kind, other), is_open in islice(self.items(), MOST_PARTS):
            if kind == member and other == number:
                break
            met += kind == member and (is_open is not None or other == met)
        return met

    def due(self, member: str) -> int | None:
        """The part that is open, where it is the last: no other is opened before it is done."""
        last = next(reversed(self), None)
        return last[1] if last is not None and last[0] == member and self[last] else None


class Item:
    """One output item. ``index`` is the one it had on the wire, ``number`` counts the items as they were met."""

    __slots__ = (
        "added",
        "call_made",
        "call_went",
        "closed_at",
        "done",
        "id",
        "index",
        "kind",
        "number",
        "open",
        "opened",
        "parts",
        "pieces",
        "resumed",
        "strangers",
    )

    def __init__(self, number: int, index: int, item: JsonObject, *, opened: bool = True) -> None:
        self.number = number
        self.index = index
        self.added = item
        self.kind = text_of(item.get("type"))
        self.id = text_of(item.get("id"))
        self.open = True
        self.opened = opened  # False: something came of an item that never was
        self.resumed = False  # opened in another stream, which this one goes on from
        self.done: JsonObject | None = None
        self.closed_at: int | None = None  # the number of the event that closed it
        self.parts = Parts()
        self.pieces: dict[PieceKey, Piece] = {}
        self.strangers = 0  # events that named another id
        self.call_made = False  # its call_id was made up here
        self.call_went = False  # its start went out without one

    def piece(self, key: PieceKey) -> Piece:
        """A piece, made when it is new."""
        found = self.pieces.get(key)
        if found is None:
            found = self.pieces[key] = Piece()
        return found

    def may_have(self, family: str) -> bool:
        """Whether an item of this type may have events of a family, as far as either is known."""
        kinds = FAMILY_ITEMS.get(family)
        return kinds is None or self.kind not in ITEM_EVENTS or self.kind in kinds

    @property
    def headless(self) -> bool:
        """Whether something came of it and never its start, so that nobody ends it either."""
        return not self.opened and self.done is None and not self.resumed

    @property
    def hollow(self) -> bool:
        """Whether nothing is known of it but that something was about it: no start, no end, and no text."""
        return self.headless and not any(piece.whole or piece.doubtful for piece in self.pieces.values())

    @property
    def own_pieces(self) -> list[Piece]:
        """Its pieces but for those that an item of its type cannot have."""
        return [piece for (family, _), piece in self.pieces.items() if self.may_have(family)]

    def was_sent(self, event: JsonObject) -> None:
        """Take in an event of the item that a repair sends."""
        family, step = family_of(text_of(event.get("type")))
        number = event.get(PARTS.get(family) or PIECE_PART.get(family, ""), 0)
        if family in PARTS:
            self.parts[PARTS[family], number] = step == "added"
        elif step == "delta":
            self.piece((family, number)).add(text_of(event.get("delta")))
        else:
            self.piece((family, number)).done = text_of(event.get(PIECES[family]))

    def was_told(self, kind: str, place: tuple[str, int] | None) -> bool:
        """Whether an event is a delta of a text which was said to be whole before, and was."""
        family, step = family_of(kind)
        piece = self.pieces.get((family, place[1] if place is not None else 0))
        return step == "delta" and piece is not None and piece.deltas > 0 and piece.told

    @property
    def given_whole(self) -> bool:
        """Whether what a call was added with is all of its arguments, not the first piece of them."""
        given = next((piece.given for piece in self.own_pieces if piece.given), "")
        payload = decode_payload(given.encode("utf-8", "surrogatepass"))
        return payload.ok and type(payload.value) is dict

    def nth(self, key: PieceKey) -> Piece | None:
        """The piece that a finished item holds at a place: where parts are numbered otherwise, the order tells."""
        family, number = key
        found = self.pieces.get((family, self.parts.misnumbered.get((PIECE_PART.get(family, ""), number), number)))
        if found is not None:
            return found
        same = [piece for (one, _), piece in self.pieces.items() if one == family]
        return same[number] if number < len(same) else None

    @property
    def doubtful(self) -> bool:
        """Whether it is not known what its deltas came to."""
        return any(piece.doubtful for piece in self.pieces.values())

    @property
    def is_cut(self) -> bool:
        """Whether the answer was cut in it."""
        return self.last.get("status") == "incomplete"

    @property
    def last(self) -> JsonObject:
        """The item as it was told last."""
        return self.done if self.done is not None else self.added

    @property
    def is_call(self) -> bool:
        """Whether the client is to call something."""
        return self.kind in CALLS

    @property
    def name(self) -> str:
        """The name of what is called; "" when there is none."""
        return text_of(self.last.get("name")) or text_of(self.added.get("name"))

    @property
    def call_id(self) -> str:
        """The id of the call; "" when there is none."""
        return text_of(self.last.get("call_id")) or text_of(self.added.get("call_id"))

    @property
    def arguments(self) -> str:
        """What is called with, as far as it came: the finished item's, or what the deltas came to."""
        whole = text_of(input_in(as_object(self.done), self.kind))
        return whole or "".join(piece.whole for piece in self.own_pieces)

    def text(self, family: str) -> str:
        """The text of a family, part after part: what the deltas came to, or what the finished item holds."""
        streamed = "".join(piece.whole for (name, _), piece in self.pieces.items() if name == family)
        return streamed or self.finished_text(family)

    def finished_text(self, family: str) -> str:
        """The text of a family that the finished item holds."""
        return "".join(texts_of(self.done or {}, family))

    def agrees_with(self, whole: JsonObject) -> bool:
        """Whether a finished item holds what the deltas of this one came to, or what was told whole without any."""
        held = ((self.nth(key), value) for key, _path, value in held_pieces(whole))
        return all(
            piece is None or not (piece.deltas or piece.done) or piece.whole == input_text(value, piece)
            for piece, value in held
        )

    def lost_by(self, whole: JsonObject) -> Piece | None:
        """A text, streamed or told whole, for which a finished message has no part: it has fewer than texts came."""
        texts = [piece for piece in self.own_pieces if (piece.text if piece.deltas else piece.done)]
        if self.kind != "message" or self.doubtful or len(texts) <= len(as_list(whole.get("content"))):
            return None
        listed = [self.nth(key) for key, _path, _value in held_pieces(whole)]
        return next((piece for piece in texts if all(piece is not one for one in listed)), None)

    def says_the_same(self, whole: JsonObject) -> bool:
        """Whether a finished item holds what this one was done with."""
        told, before = held_pieces(whole), held_pieces(as_object(self.done))
        return self._in_words(told) == self._in_words(before)

    def _in_words(self, held: list[tuple[PieceKey, str, Any]]) -> list[Any]:
        return [input_text(value, self.nth(key)) for key, _path, value in held]

    @property
    def changed_kind(self) -> bool:
        """Whether it was done as something else than it was added as."""
        return self.done is not None and text_of(self.done.get("type")) != self.kind

    @property
    def changed(self) -> bool:
        """Whether it was done as something else, or another call, than it was added as: what it holds may be that's."""
        was, now = text_of(self.added.get("call_id")), text_of(as_object(self.done).get("call_id"))
        return self.changed_kind or (self.is_call and bool(was and now) and was != now)

    def is_other_call(self, whole: JsonObject) -> bool:
        """Whether a finished item is another call than this one, whatever its id says."""
        return self.is_call and bool(self.call_id) and text_of(whole.get("call_id")) not in ("", self.call_id)

    def is_itself(self, whole: JsonObject) -> bool:
        """Whether an item that is done once more is this one: by its id, or by what it says where this one has none."""
        given = text_of(whole.get("id"))
        same = self.same(whole if given and self.id else {**whole, "id": self.id})
        return same and (not given or bool(self.id) or self.says_the_same(whole))

    def same(self, item: JsonObject) -> bool:
        """Whether an item that is added or done means this one again: the same id and, for a call, the same call."""
        if text_of(item.get("id")) != self.id or text_of(item.get("type")) != self.kind:
            return False
        return not self.is_call or text_of(item.get("call_id")) in ("", self.call_id)


def input_text(value: Any, piece: Piece | None) -> Any:
    """What a call is called with, as text where it came as an object: in the words of its deltas where they say the
    same. Anything else is left as it is."""
    if type(value) not in (dict, list):
        return value
    streamed = str(piece.text) if piece is not None and piece.deltas else ""
    payload = decode_payload(streamed.encode("utf-8", "surrogatepass"))
    if payload.ok and not payload.faults and payload.value == value:
        return streamed
    return encode_json(value).decode("utf-8", "replace")


def texts_of(item: JsonObject, family: str) -> list[str]:
    """The texts that a whole item holds, of one family."""
    held, kind, member = _HELD[family]
    parts = (as_object(part) for part in as_list(item.get(held)))
    return [text_of(part.get(member)) for part in parts if part.get("type") == kind]


#: Family -> the list of a finished item in which its parts stand, their type and the member that holds the text.
_HELD: dict[str, tuple[str, str, str]] = {
    "response.output_text": ("content", "output_text", "text"),
    "response.refusal": ("content", "refusal", "refusal"),
    "response.reasoning_text": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text": ("summary", "summary_text", "text"),
}


def held_pieces(item: JsonObject) -> list[tuple[PieceKey, str, Any]]:
    """What a finished item holds of what its deltas came to: the piece, the path within the item, and the value."""
    kind = item.get("type")
    found: list[tuple[PieceKey, str, Any]] = []
    if kind == "function_call":
        found.append((("response.function_call_arguments", 0), "arguments", item.get("arguments")))
    elif kind == "custom_tool_call":
        found.append((("response.custom_tool_call_input", 0), "input", item.get("input")))
    for family, (held, part_kind, member) in _HELD.items():
        for number, part in enumerate(as_list(item.get(held))):
            if type(part) is dict and part.get("type") == part_kind:
                found.append(((family, number), f"{held}[{number}].{member}", part.get(member)))
    return found
