"""Blocks one after the other, numbered 0, 1, 2, opened once, closed once, each with deltas of its own type alone.

A slot stands for a block as it came. While one slot is open the others wait; when it is closed the next goes out, and
what waited for it is taken through the same steps. A start or a stop is held back for one event, since that may show
that the block is of another type, or not over yet; one ping may come in between, a second one lets go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    BLOCK_TYPES,
    DELTA_BLOCKS,
    MESSAGE_DELTA,
    MESSAGE_STOP,
)
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs.deltas import clean, delta_kind, extra_thinking
from streamlab.apis.anthropic.repairs.parts import Message, Part, is_quiet, kind_of, says_more
from streamlab.apis.anthropic.repairs.writer import MISMATCH, NOTHING, STRAY, BlockWriter, Slot
from streamlab.exchange import Ending
from streamlab.rules.repair import Change, Draft, Drafts, ErrorPayload, Undecodable
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

#: Events that wait for blocks before theirs.
_MOST_WAITING: Final = 256
_STRAY, _OVERLAP = STRAY, "messages-block-overlap"
_MORE = "it says what an event of another type would"


class Blocks(Part):
    """See the module."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._slots: dict[int, Slot] = {}  # number of a block as it came -> where it goes
        self._writer = BlockWriter(message)
        self._queue: list[Slot] = []
        self._over = 0  # message_delta came last, and how many signs of life since, plus one

    @property
    def holding(self) -> bool:
        """Whether a start or a stop, or a whole block, is held back."""
        current = self._writer.current
        waits = current is not None and (current.text is not None or bool(current.signatures))
        return bool(self._writer.held or self._queue or waits)

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        return tuple(self._take(draft))

    def _take(self, draft: Draft) -> Iterator[Draft]:
        kind, facts = kind_of(draft), self.message.read(draft)
        if is_quiet(draft):
            yield from self._ping(draft)
            return
        self._over = 1 if kind == MESSAGE_DELTA else 0
        if facts & MessageFact.UNKNOWN and _is_dropped(draft, self.message):
            return
        elif kind in (BLOCK_START, BLOCK_DELTA, BLOCK_STOP) and not self.message.reader.lost:
            block = self.message.reader.block
            if block is not None:
                yield from self._block_event(draft, kind, block)
            else:  # after the end
                yield from self._writer.release()
                yield draft
        elif type(draft.event) is Undecodable and self._queue:
            self._queue[-1].waiting.append(draft)  # behind what came before it
        elif kind == MESSAGE_DELTA and self._writer.stopped is not None and self._writer.current is None:
            self._writer.held.append(draft)  # content may follow, and belong before the stop
        else:
            yield from self._close_extra(draft, None)
            if self.message.passing:  # another message begins: what waits belongs before it
                yield from self._close_all(draft, close=False)
            again = kind == MESSAGE_DELTA and self.message.told and bool(self._queue)  # it is held back once
            if again or kind == MESSAGE_STOP or type(draft.event) is ErrorPayload:
                known = self.message.stop_reason not in (None, "")
                yield from self._close_all(draft, close=known or kind == MESSAGE_STOP)
            yield from self._writer.release()
            yield draft

    def number(self, draft: Draft) -> None:
        """Number what comes for a block of this message once another message began."""
        block = self.message.reader.block
        slot = self._slots.get(block.number) if block is not None else None
        if slot is not None and slot.opened and kind_of(draft) in (BLOCK_DELTA, BLOCK_STOP):
            self._writer.number(draft, slot)

    def idle(self) -> Drafts:
        """Give up waiting for the next event."""
        return tuple(self._writer.release())

    def finish(self, ending: Ending) -> Drafts:
        """The stream is over; blocks are closed where the message said why it stopped."""
        message = self.message
        known = message.stop_reason is not None and not message.ended and not message.passing
        return (*self._close_extra(NOTHING, None), *self._close_all(None, close=known), *self._writer.release())

    # -- holding back ------------------------------------------------------------------------------------------------

    def _ping(self, draft: Draft) -> Iterator[Draft]:
        if self._writer.held and not any(map(is_quiet, self._writer.held)):
            self._writer.held.append(draft)
            return
        self._over += 1 if self._over else 0
        if self._over > 2 and self.message.stop_reason not in (None, "") and not self._writer.half:
            yield from self._close_all(draft, close=True)
        yield from self._writer.release()
        yield from self._writer.signed()
        yield draft

    # -- what an event is about --------------------------------------------------------------------------------------

    def _block_event(self, draft: Draft, kind: str, block: Block) -> Iterator[Draft]:
        facts = self.message.facts
        slot = self._slots.get(block.number)
        if kind == BLOCK_START:
            if facts & MessageFact.RESTARTED and slot is not None and not slot.closed:
                yield from self._wait(draft, slot) if slot in self._queue else self._writer.restart(draft, slot)
                return
            slot = self._slots[block.number] = Slot(block.kind, block)
        elif slot is None:
            slot = self._slots[block.number] = self._stray(draft, kind)
        elif slot.dropped and kind == BLOCK_DELTA:  # there is something in it after all
            slot = self._slots[block.number] = self._stray(draft, kind).instead_of(slot)
        again = kind == BLOCK_STOP and (slot.closed or facts & MessageFact.AGAIN)
        if (slot.dropped or again) and says_more(draft):
            self.message.cannot(_why_dropped(slot), _MORE)
            if slot.dropped or self._queue:  # it would come before what waits
                yield from self._close_all(draft, close=True)
            yield from self._writer.after_all(draft, slot)
            return
        if slot.dropped or again:
            slot.over = slot.over or kind == BLOCK_STOP
            self.message.drop(draft, _why_dropped(slot))
            return
        if slot.raw:
            # behind what waits, or it would come into the block that is open; or its block was taken for nothing
            waits = self._writer.current is not None and (slot.start is not None or (slot.over and self._queue))
            slot.over = slot.over or (kind == BLOCK_STOP and slot.start is None)  # else its stop waits with it
            yield from self._wait(draft, slot) if waits else self._writer.as_it_is(draft, slot)
            return
        yield from self._close_extra(draft, slot)
        late = kind == BLOCK_DELTA and slot.closed
        if self._writer.current is None or self._writer.current is slot or late:
            yield from self._now(draft, kind, slot)
        else:
            yield from self._wait(draft, slot)

    def _close_extra(self, draft: Draft, slot: Slot | None) -> Iterator[Draft]:
        """Close a block of our own making when something else comes."""
        current = self._writer.current
        if current is not None and current.extra and (slot is None or slot.after is not current):
            yield from self._writer.close(current, draft, MISMATCH)
            yield from self._next_slot()

    def _stray(self, draft: Draft, kind: str) -> Slot:
        """The slot for a block that was never opened."""
        reader = self.message.reader
        slot = Slot(DELTA_BLOCKS.get(reader.delta, ""))
        if kind == BLOCK_STOP and not says_more(draft):
            slot.dropped = True
        elif not slot.kind:
            self._writer.leave(slot, reader.delta)
        return slot

    def _wait(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """The block before is not closed yet."""
        if slot not in self._queue:
            self._queue.append(slot)
            self.message.odd = True
        at = next((at for at, one in enumerate(slot.waiting) if kind_of(one) == BLOCK_STOP), None)
        if at is not None and kind_of(draft) == BLOCK_DELTA:
            draft.note("messages-content-after-close", "", "after the stop", "before it")
            slot.waiting.insert(at, draft)
        else:
            slot.waiting.append(draft)
        if not slot.extra:
            draft.changes.append(Change(_OVERLAP, "", "before the end of another block", "after it"))
        if sum(len(one.waiting) for one in self._queue) > _MOST_WAITING:
            self.message.cannot(_OVERLAP, "too much waits for the end of a block; it is closed early")
            yield from self._writer.close(self._writer.current, draft, _OVERLAP)
            yield from self._next_slot()

    def _next_slot(self) -> Iterator[Draft]:
        """Let the next block out, with what waited for it."""
        while self._writer.current is None and self._queue:
            slot = self._queue.pop(0)
            waiting, slot.waiting = slot.waiting, []
            for draft in waiting:
                yield from self._now(draft, kind_of(draft), slot) if kind_of(draft) else self._writer.other(draft)
            if slot.extra:
                yield from self._writer.close(slot, waiting[-1], MISMATCH)

    # -- out ---------------------------------------------------------------------------------------------------------

    def _now(self, draft: Draft, kind: str, slot: Slot) -> Iterator[Draft]:
        if kind == BLOCK_START:
            yield from self._writer.restart(draft, slot) if slot.opened else self._open(draft, slot)
            return
        if slot.dropped:
            if kind != BLOCK_DELTA:
                self.message.drop(draft, _why_dropped(slot))
                return
            delta = delta_kind(as_object(draft.json.get("delta")))
            if delta in DELTA_BLOCKS:
                slot.dropped, slot.kind = False, DELTA_BLOCKS[delta]
            else:
                self._writer.leave(slot, delta)
        if slot.raw:
            yield from self._writer.as_it_is(draft, slot)
            return
        if not slot.opened:
            yield from self._writer.open_for(draft, slot, slot.kind, _STRAY)
        if kind == BLOCK_DELTA:
            yield from self._deltas(draft, slot)
            return
        yield from self._writer.stop(draft, slot)
        if self._queue:
            yield from self._writer.release()
            yield from self._next_slot()

    def _open(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        start = draft.json.get("content_block")
        block = as_object(start)
        says_else = any(value for key, value in block.items() if key != "type")
        if slot.kind == "redacted_thinking" and not block.get("data") and says_else:
            self.message.cannot("messages-redacted-thinking-without-data", "it says something else")
        elif slot.kind == "redacted_thinking" and not block.get("data"):
            slot.dropped, slot.start = True, draft
            self.message.drop(draft, "messages-redacted-thinking-without-data")
            return
        slot.out, self._writer.next = self._writer.next, self._writer.next + 1
        slot.opened, self._writer.current = True, slot
        self._writer.number(draft, slot)
        if slot.kind in ("text", "thinking"):
            self._writer.empty(draft, slot, block)
        yield from self._writer.hold(draft)

    # -- deltas ------------------------------------------------------------------------------------------------------

    def _deltas(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """The deltas that one is, each in a block of its type."""
        parts = [*extra_thinking(draft, self.message), draft] if self.message.state.unsafe else [draft]
        for one in parts:
            delta = clean(one, self.message)
            if delta is None and says_more(one):
                self.message.cannot("messages-delta-member-wrong", _MORE)
                delta = {}
            elif delta is None:
                self.message.drop(one, "messages-delta-member-wrong")
                continue
            yield from self._delta(one, slot, delta)

    def _delta(self, draft: Draft, slot: Slot, delta: JsonObject) -> Iterator[Draft]:
        kind = delta["type"] if type(delta.get("type")) is str else ""
        known = BLOCK_TYPES.get(slot.kind)
        if known is not None and kind in DELTA_BLOCKS and kind not in known.deltas:
            yield from self._mismatch(draft, slot, DELTA_BLOCKS[kind])
            return
        if known is not None and kind == "input_json_delta" and kind not in known.deltas:
            self.message.cannot(MISMATCH, "the id and the name of the tool are not on the wire")
        if slot.closed:
            yield from self._late(draft, slot)
            return
        if slot.kind == "thinking":
            yield from self._writer.sign(draft, slot, kind)
            return
        yield from self._writer.flush(slot, draft)
        yield from self._writer.write(draft, slot)

    def _mismatch(self, draft: Draft, slot: Slot, kind: str) -> Iterator[Draft]:
        """A delta of another type: retype the block, or close it and open another."""
        self.message.odd = True
        if slot.kind not in ("text", "thinking"):
            yield from self._after(draft, slot, kind)
            return
        if slot.empty and slot.text is None and self._writer.held and self._writer.current is slot:
            self._writer.retype(self._writer.held[0], slot, kind)
        elif slot.closed:
            yield from self._after(draft, slot, kind)
            return
        else:
            yield from self._writer.close(slot, draft, MISMATCH)
            yield from self._writer.open_for(draft, slot, kind, MISMATCH)
        yield from self._delta(draft, slot, as_object(draft.json.get("delta")))

    def _after(self, draft: Draft, slot: Slot, kind: str) -> Iterator[Draft]:
        """Text that belongs into a block of its own behind this one: behind a call, or behind a block that is over."""
        other = slot.after
        if other is None or other.closed or (other.opened and other is not self._writer.current):
            other = slot.after = Slot(kind)
            other.extra = True
        if self._writer.current is None or self._writer.current is other:
            if not other.opened:
                yield from self._writer.open_for(draft, other, kind, MISMATCH)
            yield from self._delta(draft, other, as_object(draft.json.get("delta")))
            return
        yield from self._wait(draft, other)

    def _late(self, draft: Draft, slot: Slot) -> Iterator[Draft]:
        """A delta after its block was closed."""
        rule = "messages-content-after-close"
        self.message.odd = True
        if self._writer.stopped is slot:
            self._writer.number(draft, slot)
            draft.note(rule, "", "after the stop", "before it")
            if self.message.reader.delta == "signature_delta":
                self._writer.held.insert(0, draft)
            else:
                yield draft
        elif slot.kind in ("text", "thinking"):
            yield from self._after(draft, slot, slot.kind)
        else:
            self.message.cannot(rule, "the block has gone out")
            self.message.as_came = draft
            yield from self._writer.write(draft, slot)

    # -- closing -----------------------------------------------------------------------------------------------------

    def _close_all(self, draft: Draft | None, *, close: bool) -> Iterator[Draft]:
        """Everything that waits goes out, and every open block is closed; before an error the last one stays open."""
        while self._writer.current is not None or self._queue:
            current = self._writer.current
            if current is not None:
                if not close and not self._queue:
                    yield from self._writer.flush(current, NOTHING)
                    return
                yield from self._writer.over(current, draft, "messages-block-stop-missing" if close else _OVERLAP)
            yield from self._next_slot()


def _why_dropped(slot: Slot) -> str:
    if not slot.dropped:
        return "messages-block-stop-repeated"
    return "messages-redacted-thinking-without-data" if slot.kind == "redacted_thinking" else _STRAY


def _is_dropped(draft: Draft, message: Message) -> bool:
    """Unsafe: an event of a type that is not known is dropped; blocks and deltas never are."""
    held = message.facts & (MessageFact.BLOCK_START | MessageFact.DELTA) or message.behind_torn  # that would come last
    if message.state.unsafe and not held:
        message.drop(draft, "messages-unknown-type")
        return True
    return False
