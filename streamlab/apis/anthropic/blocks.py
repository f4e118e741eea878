"""A content block of a message while it is read: its identity, whether it is open, and what was added to it."""

from __future__ import annotations

from typing import Any, NamedTuple

from streamlab.apis.anthropic.expectations import BLOCK_DELTA, BLOCK_TYPES, CLIENT_TOOL, DELTA_TYPES, TOOL_BLOCKS
from streamlab.wire.accumulate import Text
from streamlab.wire.payload import JsonObject, decode_payload, encode_json
from streamlab.wire.reading import REASONING_KEYS, as_object

_NOTHING: dict[str, str] = {}
#: Texts in a start that say which block it is.
_START_MEMBERS = frozenset({"type", "id", "name", "tool_use_id", "server_name"})
#: Pieces of a tool's input that are remembered one by one.
MOST_FRAGMENTS = 4096
#: Block type -> the delta types that fit and the member each adds, where that is a string.
_FITS: dict[str, dict[str, str]] = {
    kind: {delta: member for delta in block.deltas if (member := DELTA_TYPES[delta]) is not None}
    for kind, block in BLOCK_TYPES.items()
}


class Input(NamedTuple):
    """The input of a tool block, parsed as clients do: nothing counts as ``{}``. ``ok`` is False when it is no JSON."""

    ok: bool
    value: Any


class Block:
    """One content block. ``index`` is the one it had on the wire, ``number`` counts the blocks as they were opened."""

    __slots__ = (
        "citations",
        "deltas",
        "fits",
        "fragmented",
        "fragments",
        "index",
        "input_fault",
        "kind",
        "number",
        "open",
        "opened",
        "signature",
        "signed_early",
        "start",
        "text",
    )

    def __init__(self, number: int, index: int, start: JsonObject, *, opened: bool = True) -> None:
        self.number = number
        self.index = index
        self.start = start
        kind = start.get("type")
        self.kind: str = kind if type(kind) is str else ""
        self.fits = _FITS.get(self.kind, _NOTHING)
        self.fragmented = self.kind in TOOL_BLOCKS  # whether pieces are still remembered one by one
        self.open = True
        self.opened = opened  # False: a delta or stop came for a block that never was
        self.deltas = 0
        self.text = Text()  # what the deltas added: text, thinking or JSON
        self.fragments: list[str] = []  # the same piece by piece, for a tool's input
        self.citations: list[Any] = []
        self.signature: str | None = None
        self.input_fault: Any = None  # what is wrong with the input, once somebody asked (inputs.py)
        self.signed_early = False  # thinking came after the signature

    @property
    def id(self) -> str:
        """The id of a call; "" when there is none."""
        return self._text("id")

    @property
    def name(self) -> str:
        """The name of the tool called; "" when there is none."""
        return self._text("name")

    def _text(self, key: str) -> str:
        value = self.start.get(key)
        return value if type(value) is str else ""

    @property
    def is_tool(self) -> bool:
        """Whether a tool is called, by the client or the server."""
        return self.kind in TOOL_BLOCKS

    @property
    def is_client_tool(self) -> bool:
        """Whether the client is to run a tool."""
        return self.kind == CLIENT_TOOL

    @property
    def direct(self) -> bool:
        """Whether the model itself calls the tool, not code that it wrote: such calls come whole in their start."""
        caller = self.start.get("caller")
        return type(caller) is not dict or caller.get("type") in (None, "direct")

    def add(self, piece: str) -> None:
        """Take in what a delta adds."""
        self.text.add(piece)
        if self.fragmented and piece:
            self.fragments.append(piece)
            self.fragmented = len(self.fragments) < MOST_FRAGMENTS

    def grows_by(self, value: JsonObject) -> str:
        """The member with the text of an event that is a plain delta of this block; "" where it is none."""
        delta, index = as_object(value.get("delta")), value.get("index")
        kind: Any = delta.get("type")
        if self.signature is not None or value.get("type") != BLOCK_DELTA or type(index) is not int:
            return ""
        if index != self.index or type(kind) is not str or kind == "signature_delta" or len(delta) != 2:
            return ""
        member = self.fits.get(kind)
        return member if member is not None and delta.get(member) else ""

    def take(self, kind: str, delta: JsonObject) -> None:
        """Take in a delta of a type that fits."""
        if kind == "citations_delta":
            self.citations.append(delta.get("citation"))
            return
        member = DELTA_TYPES.get(kind)
        piece = delta.get(member) if member is not None else None
        if kind == "input_json_delta" and type(piece) is dict:
            self.add(encode_json(piece).decode("utf-8", "replace"))  # as it goes out once it is repaired
        elif type(piece) is str:
            if kind == "signature_delta" or self.signature is not None:
                self.sign(kind, piece)
            else:
                self.add(piece)

    def sign(self, kind: str, piece: str) -> None:
        """Take in a piece of the signature, or of thinking that comes after it."""
        if kind == "signature_delta":
            self.signature = (self.signature or "") + piece
        else:
            self.add(piece)
            self.signed_early = self.signed_early or bool(piece)

    @property
    def given(self) -> str:
        """The text or thinking that the start held already."""
        return self._text(self.kind) if self._is_text else ""

    @property
    def input(self) -> Input:
        """The input of a tool: that of the deltas, else that of the start."""
        joined = str(self.text)
        if not joined.strip():
            start = self.start.get("input")
            return Input(True, start if start not in (None, "") else {})
        payload = decode_payload(joined.encode("utf-8", "surrogatepass"))
        faulty = any(fault.kind == "trailing-text" for fault in payload.faults)
        return Input(payload.ok and not faulty, payload.value)

    def turn_into(self, kind: str) -> None:
        """Be of the type that the first delta names, where nobody opened the block."""
        self.kind, self.fits, self.fragmented = kind, _FITS.get(kind, _NOTHING), kind in TOOL_BLOCKS

    def adds(self, start: JsonObject) -> bool:
        """Whether another start of this block holds what its own does not; text of its type can become a delta."""
        for key, value in start.items():
            own = key == self.kind and self._is_text and type(value) is str
            if own or not value or type(value) not in (str, list, dict):
                continue
            if key == "name" and type(value) is str and value.lower() == self.name.lower():
                continue
            if value != self.start.get(key) or (type(value) is str and key not in _START_MEMBERS):
                return True
        return False

    @property
    def _is_text(self) -> bool:
        return self.kind in ("text", "thinking")

    def same_call(self, start: JsonObject) -> bool:
        """Whether another start means this block again: the same type and, for a call, the same id."""
        if start.get("type") != self.kind or not self.kind:
            return False
        return not self.is_tool or (bool(self.id) and start.get("id") == self.id)


def going_on(block: Block | None, blocks: list[Block]) -> Block | None:
    """Of several blocks under one index, the last of which is this one, the one that is not closed."""
    if block is None or block.open:
        return block
    same = (one for one in reversed(blocks) if one.index == block.index and one.open and one.opened)
    return next(same, block)


def meant_by(delta: str, closed: Block, opened: list[Block], last: Block) -> Block | None:
    """The one open block, which takes a delta of this type, where the closed one that it has the index of does not."""
    known, takes = BLOCK_TYPES.get(closed.kind), BLOCK_TYPES.get(last.kind)
    if opened != [last] or known is None or takes is None:
        return None
    return last if delta in takes.deltas and delta not in known.deltas else None


class Indexes:
    """The indexes by which blocks go on the wire, and what is wrong with the one of the event read last."""

    __slots__ = ("addressed", "earlier", "expected", "gap", "known", "next", "reused", "wrong_type")

    def __init__(self) -> None:
        self.known: dict[int, Block] = {}
        self.next = 0  # one more than the highest index so far
        self.earlier = 0  # blocks that came before another message began, which has blocks of its own
        self.expected = 0  # that the block opened last should have had
        self.wrong_type = self.gap = self.reused = False
        self.addressed: Block | None = None  # that a delta has the index of, where it means another one

    @property
    def wrong(self) -> bool:
        """Whether anything is."""
        return self.wrong_type or self.gap or self.reused

    def of(self, value: JsonObject) -> int | None:
        """The index of an event; None when it has none that can be read."""
        index = value.get("index")
        self.gap = self.reused = False
        self.wrong_type = type(index) is not int
        if type(index) is str and index.isdecimal() and len(index) < 9:
            return int(index)
        return index if type(index) is int else None

    def opening(self, value: JsonObject) -> tuple[int, Block | None]:
        """The index of a block that is opened, and the block that has it already."""
        index = self.of(value)
        self.expected = self.next
        if index is None:
            index = self.expected
        known = self.known.get(index)
        if known is not None and (not known.opened or known.number < self.earlier):
            return index, None  # what came for it before was told of then
        self.reused, self.gap = known is not None, known is None and index != self.expected
        return index, known

    def add(self, block: Block) -> None:
        """A block goes by its index from now on."""
        self.known[block.index] = block
        self.next = max(self.next, block.index + 1)


def extra_reasoning(delta: JsonObject) -> str | None:
    """The key under which a delta has reasoning beside what it should add; None where it has none."""
    for key in REASONING_KEYS:
        if type(delta.get(key)) is str and (key != "thinking" or _is_beside(delta)):
            return key
    return None


def _is_beside(delta: JsonObject) -> bool:
    """Whether ``thinking`` stands beside what a delta of another type adds; no tool's input is meant by it."""
    kind = delta.get("type")
    member = DELTA_TYPES.get(kind) if type(kind) is str else None
    if member is None or member == "thinking":
        return False
    return type(delta.get(member)) is str or member == "partial_json"


class Deltas:
    """What a run of deltas adds to."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def extend(self, texts: list[str]) -> None:
        """Take in the deltas of all of them."""
        self._block.deltas += len(texts)
        for text in texts:
            self._block.add(text)
