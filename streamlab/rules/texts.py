"""The text of each choice of an answer, as repairs remember it."""

from __future__ import annotations

#: Text of a choice that is remembered; a longer one is not compared with anything any more.
MAX_TEXT = 1 << 20


class Texts:
    """The text of each choice so far, as long as it is not too long to be remembered."""

    def __init__(self) -> None:
        self._text: dict[int, list[str]] = {}
        self._length: dict[int, int] = {}
        self._pieces: dict[int, int] = {}

    def add(self, index: int, piece: str) -> None:
        """Text of a choice went by."""
        self._pieces[index] = self._pieces.get(index, 0) + 1
        length = self._length.get(index, 0) + len(piece)
        self._length[index] = length
        if length <= MAX_TEXT:
            self._text.setdefault(index, []).append(piece)
        else:
            self._text.pop(index, None)

    def add_all(self, index: int, pieces: list[str]) -> None:
        """Several pieces of text, none of them empty."""
        self._pieces[index] = self._pieces.get(index, 0) + len(pieces)
        length = self._length.get(index, 0) + sum(map(len, pieces))
        self._length[index] = length
        if length <= MAX_TEXT:
            self._text.setdefault(index, []).extend(pieces)
        else:
            self._text.pop(index, None)

    def length(self, index: int) -> int:
        """How many characters of text a choice has so far."""
        return self._length.get(index, 0)

    def pieces(self, index: int) -> int:
        """In how many pieces the text of a choice came."""
        return self._pieces.get(index, 0)

    def text(self, index: int = 0) -> str | None:
        """The text of a choice so far; None when it became too long to be remembered."""
        if self._length.get(index, 0) > MAX_TEXT:
            return None
        pieces = self._text.get(index)
        if not pieces:
            return ""
        joined = "".join(pieces)
        self._text[index] = [joined]
        return joined
