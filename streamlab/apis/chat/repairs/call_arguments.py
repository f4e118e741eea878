"""The arguments of a tool call as they go out: followed, cleared of copies, taken out of a wrapping."""

from __future__ import annotations

import json

from streamlab.rules.repair import MOST_UNSEEN
from streamlab.wire.calls import Scan

_STOP_TOKENS = ("</s>", "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|endoftext|>")
_MAX_ARGUMENTS = 1 << 20


class CallArguments:
    """The arguments of a call so far, and whether they are a complete JSON object."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0
        self._scan = Scan()
        self._repeat = ""  # what may be a second copy

    def add(self, piece: str) -> None:
        self.length += len(piece)
        if piece and self.length <= _MAX_ARGUMENTS:
            self._pieces.append(piece)
            self._scan.add(piece)

    def goes_on(self, pieces: list[str], text: str) -> bool:
        """Whether pieces, none of them empty and ``text`` together, plainly continue arguments that have begun: none
        completes them, and none can be a copy of what came before it."""
        if not self.length or self._repeat or self.length + len(text) > _MAX_ARGUMENTS:
            return False
        return max(map(len, pieces)) <= self.length and not self._scan.closes(pieces, text)

    @property
    def unseen(self) -> int:
        """Up to which length a piece without quotes and backslashes goes on for certain; 0 where that hangs on what it
        says: it does not within a string of theirs."""
        room = self.length + MOST_UNSEEN <= _MAX_ARGUMENTS and not self._repeat
        return self.length if room and self._scan.in_text else 0

    def extend(self, text: str) -> None:
        """Add pieces that go on, ``text`` together."""
        self.length += len(text)
        self._pieces.append(text)
        self._scan.add(text)

    @property
    def complete(self) -> bool:
        """Whether a JSON object is there in full."""
        if self.length > _MAX_ARGUMENTS or not self._scan.balanced:
            return False
        try:
            return isinstance(json.loads(str(self)), dict)
        except (ValueError, RecursionError):
            return False

    @property
    def open(self) -> bool:
        """Whether arguments have begun that are no JSON object yet, nor one that was encoded twice."""
        return bool(self.length) and not self.complete and decoded_once(str(self)) is None

    def without_copy(self, piece: str) -> str:
        """A piece without what came before: a second copy of complete arguments or of their end, or all of
        them so far once more."""
        if not piece or not self.length or self.length > _MAX_ARGUMENTS:
            return piece
        if not self._repeat and piece.strip() and str(self).endswith(piece) and self.complete:
            return ""  # their end once more, from a server that sends what it believes to be missing
        if self._repeat or (piece.lstrip()[:1] == "{" and self.complete):
            candidate = self._repeat + piece
            whole = str(self)
            if whole.startswith(candidate):
                self._repeat = "" if candidate == whole else candidate
                return ""
            self._repeat = ""
            return candidate
        if len(piece) > self.length and piece.startswith(str(self)) and _begins_again(str(self), piece):
            return piece[self.length :]
        return piece

    def __str__(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


def _begins_again(before: str, arguments: str) -> bool:
    """Whether arguments that begin with all that came before cannot continue it: ``{"`` and ``{":1}`` can."""
    if before == "{":
        return arguments.strip() != "{}"
    return len(before) >= 4 or (before[:2] == '{"' and arguments[2:3] not in (":", " "))


def decoded_once(text: str) -> str | None:
    """The JSON object inside a JSON string; None where there is none."""
    if not text.lstrip().startswith('"'):
        return None
    try:
        inner = json.loads(text)
        return inner if isinstance(inner, str) and isinstance(json.loads(inner), dict) else None
    except (ValueError, RecursionError):
        return None


def unwrapped(text: str) -> tuple[str, str] | None:
    """Name and arguments in TGI's form, ``{"function": {"_name": ..., arguments...}}``; a stop token may follow."""
    for token in _STOP_TOKENS:
        text = text.removesuffix(token)
    try:
        inner = json.loads(text).get("function")
    except (ValueError, AttributeError, RecursionError):
        return None
    if isinstance(inner, dict) and isinstance(inner.get("_name"), str):
        name = inner.pop("_name")
        return name, json.dumps(inner, ensure_ascii=False)
    return None
