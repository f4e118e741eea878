"""A delta without its text waits until the text is told whole: what is missing of it is what the delta lost."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.responses.expectations import family_of, text_of, told_within
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item, Piece, held_pieces
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.repair import Draft, RepairState
from streamlab.wire.accumulate import Text
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

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
        self._told = False  # whether it has its text
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

    def settle(self, listed: list[Any]) -> None:
        """The response is finished, and its item may not be: what it lists of that tells the text of the delta, or that
        nothing came of it."""
        item, piece = self._item, self._piece
        if item is None or piece is None or piece.done is not None or item.done is not None:
            return
        whole = next((one for one in map(as_object, listed) if item.id and one.get("id") == item.id), None)
        self._told = self._tell(self._held_in(whole, piece))
        piece.deltas -= not self._told

    def let_go(self) -> list[Draft]:
        """What is held back, the delta with its text where that is known and gone where not."""
        held, piece, lost, told = self._held, self._piece, self._lost, self._told
        finished = self._item.done if self._item is not None else None
        if piece is not None and lost in held and not told:
            told = self._tell(piece.done or self._held_in(finished, piece))
        self._held, self._piece, self._lost, self._told = [], None, None, False
        if told or lost is None or lost not in held:
            return held
        self._account.drop(lost, _RULE)
        return [one for one in held if one is not lost]

    def _tell(self, whole: str) -> bool:
        """Give the delta what is missing of a whole text; whether that is one piece, where the delta stood."""
        piece, lost = self._piece, self._lost
        if piece is None or lost is None:
            return False
        missing = piece.missing(whole, self._start)
        if not missing:
            return False
        lost.put(_RULE, lost.json, "delta", missing, "")
        piece.text = Text()
        piece.text.add(whole)
        return True

    def _held_in(self, whole: JsonObject | None, piece: Piece) -> str:
        """The whole of a piece, as a finished item holds it; "" where it does not."""
        item = self._item
        if item is None or whole is None:
            return ""
        return next((text_of(value) for key, _, value in held_pieces(whole) if item.nth(key) is piece), "")
