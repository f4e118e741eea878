"""Unsafe: thinking that stands in the text, between ``<think>`` tags, gets a block of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    DELTA_TYPES,
    EVENT_TYPES,
    MESSAGE_STOP,
)
from streamlab.apis.anthropic.repairs.deltas import clean
from streamlab.apis.anthropic.repairs.parts import Message, Part, delta_event, is_quiet, kind_of, made, says_more
from streamlab.exchange import Ending
from streamlab.rules.repair import Chunk, Draft, Drafts

_RULE = "messages-think-tags-in-text"
_OPEN, _CLOSE = "<think>", "</think>"
_MOST: Final = 1 << 20


class ThinkTags(Part):
    """Holds the text back while it may be, or is, between the tags. What comes for another block than the first waits
    for that one's end anyway, and says nothing of how the text begins."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._held: list[Draft] = []
        self._text = ""
        self._over = False
        self._first: Any = None  # index of the block that was opened first
        self._closed = False  # whether it was closed; text of it that comes late goes before its end

    @property
    def holding(self) -> bool:
        """Whether text is held back."""
        return bool(self._held)

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        if self._over or is_quiet(draft) or _is_foreign(draft):
            return (draft,)
        if kind_of(draft) == MESSAGE_STOP:
            return (*self._give_up(), draft)  # what comes behind it is none of this message
        if self._is_beside(draft):
            return (draft,)
        delta = (clean(draft, self.message) if kind_of(draft) == "content_block_delta" else None) or {}
        kind = delta.get("type")
        if kind == "thinking_delta" or (kind is not None and not (type(kind) is str and kind in DELTA_TYPES)):
            self._over = True  # what a delta of no known type says may be the beginning of the text
        piece = delta.get("text")
        if delta.get("type") != "text_delta" or type(piece) is not str:
            return (*self._give_up(), draft) if self._held else (draft,)
        self._held.append(draft)
        self._text += piece
        return tuple(self._look())

    def _is_beside(self, draft: Draft) -> bool:
        """Whether a delta is another block's than that which is open."""
        kind = kind_of(draft)
        index = draft.json.get("index") if kind.startswith("content_block_") else None
        if kind == BLOCK_START and self._first is None:
            self._first = index
        elif kind == BLOCK_START:
            self._over = self._over or (self._closed and not self._held)
        elif kind == BLOCK_STOP:
            of_first = self._first is not None and index in (self._first, None)
            self._closed = self._closed or (of_first and not self._held)
            if says_more(draft) and not self._held and not of_first:  # its block goes out as it came, as does its text
                self._over = True
                return True
        return kind == BLOCK_DELTA and type(index) is int and type(self._first) is int and index != self._first

    def _look(self) -> Iterator[Draft]:
        text = self._text.lstrip()
        if text.startswith(_OPEN):
            inside, closed, after = text[len(_OPEN) :].partition(_CLOSE)
            if closed:
                yield from self._split(inside.strip("\n"), after.lstrip("\n"))
            elif len(text) > _MOST:
                yield from self._give_up()
        elif not _OPEN.startswith(text):
            yield from self._give_up()

    def _split(self, inside: str, after: str) -> Iterator[Draft]:
        self._over = self.message.odd = True
        first, index = self._held[0], self._held[0].json.get("index")
        held, self._held = self._held, []
        thought = delta_event(index, "thinking_delta", "thinking", inside)
        for draft in held:  # what more they say
            more = draft.json["delta"].items()
            thought["delta"] |= {key: value for key, value in more if key not in ("type", "text")}
        yield made(thought, first, _RULE)
        for draft in held if not after else held[:-1]:
            self.message.drop(draft, _RULE)
        if after:
            held[-1].put(_RULE, held[-1].json["delta"], "text", after, "delta.")
            yield held[-1]

    def _give_up(self) -> list[Draft]:
        self._over = True
        held, self._held = self._held, []
        return held

    def finish(self, ending: Ending) -> Drafts:
        """Tags that are never closed stay."""
        return self._give_up()


def _is_foreign(draft: Draft) -> bool:
    """Whether an event is of a type that is not known: such a one is dropped where guesses are made."""
    return type(draft.event) is Chunk and kind_of(draft) not in EVENT_TYPES
