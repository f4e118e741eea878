"""Blocks on their way out: their numbers, what is held back of them, and what is written that nobody sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import BLOCK_START, BLOCK_STOP
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.inputs import InputFault, judge
from streamlab.apis.anthropic.repairs.parts import Message, delta_event, made
from streamlab.rules.repair import Chunk, Draft
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

NOTHING: Final = Draft(Chunk(None, {}), ())
STRAY: Final = "messages-block-start-missing"
MISMATCH: Final = "messages-delta-type-mismatch"
_REUSED, _GAP, _TYPE = "messages-block-index-reused", "messages-block-index-gap", "messages-block-index-type"


#: Pieces of a signature that wait for the end of their thinking; a whole one is one piece.
_MOST_SIGNATURES: Final = 16


class Slot:
    """A block on its way out."""

    __slots__ = (
        "after",
        "block",
        "closed",
        "dropped",
        "empty",
        "extra",
        "kind",
        "opened",
        "out",
        "over",
        "raw",
        "signatures",
        "start",
        "text",
        "waiting",
    )

    def __init__(self, kind: str, block: Block | None = None) -> None:
        self.kind = kind  # as it goes out
        self.block = block  # as it came
        self.out = -1
        self.opened = self.closed = False
        self.dropped = False  # nothing of it goes out
        self.start: Draft | None = None  # that was dropped with it
        self.over = False  # … and so was its stop
        self.extra = False  # nobody opened or closes it
        self.raw = False  # goes out as it came: what it should be is not known
        self.empty = True
        self.text: tuple[str, Draft] | None = None  # that its start held
        self.signatures: list[Draft] = []  # that came before the thinking they sign may be over
        self.waiting: list[Draft] = []
        self.after: Slot | None = None  # the block that takes what comes after its own was closed

    def instead_of(self, dropped: Slot) -> Slot:
        """This one, which stands for one that was dropped."""
        self.start, self.over = dropped.start, dropped.over
        return self


class BlockWriter:
    """Writes one block after the other. A start or a stop is held back for one event."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.current: Slot | None = None  # the block that is open
        self.next = 0  # index of the next block
        self.held: list[Draft] = []  # a start or a stop, and what came behind it
        self.stopped: Slot | None = None  # the slot whose stop is held

    @property
    def half(self) -> bool:
        """Whether the open block is a call whose input is not whole: more of it is to come, whatever says otherwise."""
        block = self.current.block if self.current is not None else None
        text = str(block.text) if block is not None and block.is_tool else ""
        return bool(text) and judge(text, []) is InputFault.NOT_JSON

    def release(self) -> Iterator[Draft]:
        """Let go what is held back."""
        held, self.held = self.held, []
        self.stopped = None
        yield from held

    def other(self, draft: Draft) -> Iterator[Draft]:
        """An event that nobody can read."""
        yield from self.release()
        yield draft

    def signed(self) -> Iterator[Draft]:
        """The signatures that wait for the end of the thinking."""
        if self.current is not None:
            signed, self.current.signatures = self.current.signatures, []
            yield from signed

    def hold(self, draft: Draft) -> Iterator[Draft]:
        """Hold an event back, and let go what was held before."""
        yield from self.release()
        self.held = [draft]

    def open_for(self, draft: Draft, slot: Slot, kind: str, rule: str) -> Iterator[Draft]:
        """Open a block that nobody opened."""
        yield from self.release()
        slot.kind, slot.out, self.next = kind, self.next, self.next + 1
        slot.opened, slot.closed, slot.empty, self.current = True, False, True, slot
        self.message.odd = True
        members = {"text": ""} if kind == "text" else {"thinking": "", "signature": ""}
        value = {"type": BLOCK_START, "index": slot.out, "content_block": {"type": kind, **members}}
        yield from self.hold(made(value, draft, rule))

    def number(self, draft: Draft, slot: Slot) -> None:
        """Give an event the index of its block."""
        index = draft.json.get("index")
        if index == slot.out and type(index) is int:
            return
        self.message.odd = True
        reader = self.message.reader
        rule = _TYPE if type(index) is not int else _REUSED if reader.index.reused else _GAP
        if self.message.facts & MessageFact.MISFIT and reader.index.addressed is not None:
            rule = MISMATCH
        draft.put(rule, draft.json, "index", slot.out, "")

    def flush(self, slot: Slot, draft: Draft, *, signature: bool = True) -> Iterator[Draft]:
        """What waited for the next event of its block."""
        if slot.text is not None:
            (text, start), slot.text = slot.text, None
            delta = as_object(draft.json.get("delta")) if type(draft.event) is Chunk else {}
            if delta.get(slot.kind) != text:
                yield from self.release()
                value = delta_event(slot.out, f"{slot.kind}_delta", slot.kind, text)
                yield made(value, start, "messages-block-start-text")
        if signature:
            signed, slot.signatures = slot.signatures, []
            yield from signed

    def close(self, slot: Slot | None, draft: Draft | None, rule: str) -> Iterator[Draft]:
        """Close a block that nobody closed."""
        if slot is None or slot.closed or not slot.opened:
            return
        self.message.odd = True
        like = draft if draft is not None else NOTHING
        yield from self.flush(slot, NOTHING)
        yield from self.release()
        slot.closed, self.current = True, None
        yield made({"type": BLOCK_STOP, "index": slot.out}, like, rule)

    def over(self, slot: Slot, draft: Draft | None, rule: str) -> Iterator[Draft]:
        """Go on behind a block: close it, or leave it open where another message began, since its end may still come
        and go out as it comes."""
        if self.message.passing:
            yield from self.flush(slot, NOTHING)
            yield from self.release()
            self.current = None
        else:
            yield from self.close(slot, draft, rule)

    def leave(self, slot: Slot, delta: str) -> None:
        """What the block should be is not known: it goes out as it came, under a number of its own."""
        why = "the id and the name of the tool are not on the wire"
        self.message.cannot(STRAY, why if delta == "input_json_delta" else "no block fits what comes")
        self._goes_as_it_came(slot)

    def _goes_as_it_came(self, slot: Slot) -> None:
        slot.raw, slot.dropped = True, False
        slot.out = -1  # none until it goes out: what waits before it comes first

    def after_all(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """An event that would go with its block, and says more; the start of the block that went before it is back."""
        yield from self.release()
        if slot.start is not None or slot.dropped:
            self._goes_as_it_came(slot)
            yield from self.as_it_is(draft, slot)
            return
        if slot.out >= 0:
            self.number(draft, slot)  # with its block
        yield draft

    def as_it_is(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """An event of such a block."""
        yield from self.release()
        rule, start = "messages-redacted-thinking-without-data", slot.start
        if slot.out < 0:  # so that nobody takes it for another block's
            slot.out, self.next = self.next, self.next + 1
        if start is not None:
            yield made({**start.json, "index": slot.out}, start, rule)
        self.number(draft, slot)
        yield draft
        if start is not None and slot.over:
            yield made({"type": BLOCK_STOP, "index": slot.out}, draft, rule)
        slot.start = None

    def empty(self, draft: Draft, slot: Slot, block: JsonObject) -> None:
        """Text that stands in the start goes into a delta; a member that is missing is added."""
        given, path = block.get(slot.kind), "content_block."
        if type(given) is not str:
            self.message.odd = True
            draft.put("messages-block-start-member-missing", block, slot.kind, "", path)
        elif given:
            self.message.odd = True
            draft.put("messages-block-start-text", block, slot.kind, "", path)
            slot.text = (given, draft)

    def restart(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """A start comes again for a block that is open: it goes, unless it says more than the first one."""
        rule, block = "messages-block-restarted", as_object(draft.json.get("content_block"))
        if slot.block is not None and slot.block.adds(block):
            self.message.cannot(rule, "there is more in it than in the start before it")
            self.message.left.append(draft)
            yield from self.flush(slot, draft)
            yield from self.write(draft, slot)
            return
        text = block.get(slot.kind) if slot.kind in ("text", "thinking") else None
        if type(text) is str and text and self.current is slot:
            yield from self.flush(slot, draft)
            yield from self.release()
            yield made(delta_event(slot.out, f"{slot.kind}_delta", slot.kind, text), draft, rule)
        self.message.drop(draft, rule)

    def retype(self, start: Draft, slot: Slot, kind: str) -> None:
        members: JsonObject = {"text": ""} if kind == "text" else {"thinking": "", "signature": ""}
        own = ("type", "text", "thinking", "signature", "citations")
        others = {key: value for key, value in as_object(start.json.get("content_block")).items() if key not in own}
        start.put(MISMATCH, start.json, "content_block", {"type": kind, **members, **others}, "")
        slot.kind = kind

    def sign(self, draft: Draft, slot: Slot, kind: Any) -> Iterator[Draft]:
        """A signature goes last: it waits while thinking may follow."""
        yield from self.flush(slot, draft, signature=False)
        yield from self.release()
        self.number(draft, slot)
        slot.empty = False
        if kind == "signature_delta" and len(slot.signatures) < _MOST_SIGNATURES:
            slot.signatures.append(draft)
            return
        if kind == "thinking_delta" and slot.signatures:
            self.message.odd = True
            slot.signatures[-1].note("messages-thinking-signature", "", "early", "last")
        yield draft

    def write(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """A delta of the block."""
        yield from self.release()
        self.number(draft, slot)
        slot.empty = False
        yield draft

    def stop(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """The stop of the block, and before it the signature that waited for its end."""
        yield from self.flush(slot, draft, signature=False)
        self.number(draft, slot)
        slot.closed, self.current = True, None
        yield from self.hold(draft)
        self.stopped = slot
        self.held[:0], slot.signatures = slot.signatures, []
