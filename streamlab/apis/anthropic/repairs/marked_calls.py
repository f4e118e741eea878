"""Unsafe: calls that stand in the text as markup become blocks, where all of it is calls of offered tools."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from streamlab.apis.anthropic.expectations import BLOCK_STOP, MESSAGE_DELTA
from streamlab.apis.anthropic.markup import calls_in, may_begin
from streamlab.apis.anthropic.repairs.envelope import block_events
from streamlab.apis.anthropic.repairs.parts import Message, Part, is_quiet, kind_of
from streamlab.exchange import Ending
from streamlab.rules.repair import Draft, Drafts
from streamlab.wire.reading import as_object

_RULE = "messages-tool-call-as-text"
_MOST: Final = 1 << 20


class MarkedCalls(Part):
    """Holds text back from the first bracket on that may begin a call, until its block is closed.

    It comes behind the part that puts blocks in order: only then is it known where a block ends.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._held: list[Draft] = []
        self._said: list[str] = []  # the text of the block that went out
        self._text = ""
        self._calls = 0  # blocks that were made: so many numbers later come those that follow
        self._last = 0  # the highest index that went out

    @property
    def holding(self) -> bool:
        """Whether text is held back."""
        return bool(self._held)

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        kind = kind_of(draft)
        if not self.message.state.tools or is_quiet(draft):
            return (draft,)
        if self.message.passing:
            return (*self._let_go(), draft)
        self.number(draft)
        delta = as_object(draft.json.get("delta")) if kind == "content_block_delta" else {}
        piece = delta.get("text")
        if delta.get("type") == "text_delta" and type(piece) is str:
            return self._add(draft, piece)
        if kind == BLOCK_STOP:
            ended = tuple(self._settled(draft)) if self._held else (draft,)
            self._said.clear()  # the next block has a text of its own
            return ended
        if kind == MESSAGE_DELTA:
            return (draft,)  # too early: the block is not over
        return (*self._let_go(), draft)

    def number(self, draft: Draft) -> None:
        """Number what comes behind the calls that were made."""
        index = draft.json.get("index") if kind_of(draft).startswith("content_block_") else None
        if type(index) is not int:
            return
        if self._calls:
            draft.put(_RULE, draft.json, "index", index + self._calls, "")
        self._last = max(self._last, index + self._calls)

    def _add(self, draft: Draft, piece: str) -> Drafts:
        if not self._held and "<" not in piece:
            self._said.append(piece)
            return (draft,)
        self._held.append(draft)
        self._text += piece
        return () if len(self._text) <= _MOST and may_begin(self._text) else tuple(self._let_go())

    def _let_go(self) -> list[Draft]:
        self._said.append(self._text)
        held, self._held, self._text = self._held, [], ""
        return held

    def _settled(self, stop: Draft) -> Iterator[Draft]:
        """The block is over: what its text holds."""
        said = "".join(self._said)
        before, calls = calls_in(said + self._text, self.message.state.body)
        if not calls or len(before) < len(said):
            yield from self._let_go()
            yield stop
            return
        seed, held = self._text, self._let_go()
        first, kept = held[0], before[len(said) :]
        for draft in held[1:] if kept else held:
            self.message.drop(draft, _RULE)
        if kept:
            first.put(_RULE, first.json["delta"], "text", kept, "delta.")
            yield first
        yield stop
        for at, (name, value) in enumerate(calls):
            made_id = f"toolu_{hashlib.sha256(f'{seed}/{at}'.encode()).hexdigest()[:24]}"
            block = {"type": "tool_use", "id": made_id, "name": name, "input": value}
            yield from block_events(self._last + 1 + at, block, first, _RULE)
        self._calls += len(calls)
        self._last += len(calls)

    def finish(self, ending: Ending) -> Drafts:
        """A block that is never closed keeps its text."""
        return self._let_go()
