"""A delta without its text waits until the text is told whole: what is missing of it is what the delta lost."""

from __future__ import annotations

from typing import Final

from streamlab.apis.responses.expectations import family_of, text_of, told_within
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item, Piece, held_pieces
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.repair import Draft, RepairState
from streamlab.wire.accumulate import Text

_RULE = "responses-delta-not-string"
#: Events held back, at most.
_MOST: Final = 256


class LostDelta:
    """One delta that is null, and what came after it."""

    def __init__(self, reader: ResponsesReader, state: RepairState) -> None:
        self._reader = reader
        self._account = state.account
        self._item: Item | None = None
        self._piece: Piece | None = None
        self._start = 0
        self._lost: Draft | None = None
        self._held: list[Draft] = []

    @property
    def holding(self) -> bool:
        """Whether a delta waits."""
        return self._piece is not None

    def begins(self, draft: Draft) -> bool:
        """Whether a delta that is no text stays: a null one can wait for its text, what another means is not known."""
        delta = draft.json.get("delta")
        item, place = self._reader.item, self._reader.output.place
        if delta is not None:
            said = told_within(delta)
            if said is None:
                self._account.cannot(_RULE, "what it should say is not known")
                return True
            draft.put(_RULE, draft.json, "delta", said, "")
            return True
        if self.holding or item is None or item.resumed:
            return False
        piece = item.piece((family_of(self._reader.kind)[0], place[1] if place is not None else 0))
        if piece.doubtful or piece.done is not None:
            return False
        self._item, self._piece, self._start, self._lost = item, piece, len(str(piece.text)), draft
        return True

    def take(self, out: list[Draft], facts: int) -> list[Draft]:
        """What goes out now of what an event became."""
        if self._piece is None:
            return out
        self._held += out
        over = (
            facts & (ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE)
            or self._reader.finished
            or len(self._held) >= _MOST
        )
        return self.let_go() if self._piece.done is not None or over else []

    def let_go(self) -> list[Draft]:
        """What is held back, the delta with its text where that is known and gone where not."""
        held, piece, lost = self._held, self._piece, self._lost
        self._held, self._piece, self._lost = [], None, None
        if piece is None or lost is None or lost not in held:
            return held
        whole = piece.done or self._finished(piece)
        missing = piece.missing(whole, self._start)
        if missing:
            lost.put(_RULE, lost.json, "delta", missing, "")
            piece.text = Text()
            piece.text.add(whole)
            return held
        self._account.drop(lost, _RULE)
        return [one for one in held if one is not lost]

    def _finished(self, piece: Piece) -> str:
        """The whole of a piece, as the finished item holds it."""
        item = self._item
        if item is None or item.done is None:
            return ""
        return next((text_of(value) for key, _, value in held_pieces(item.done) if item.nth(key) is piece), "")
