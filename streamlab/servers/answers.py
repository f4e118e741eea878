"""Follows an upstream's answers without reading them: whether one is due, and whether one may be over. No sockets."""

from __future__ import annotations

from enum import Enum, auto

#: How a chunked message ends; a good guess is enough to not wait for what has come already.
_TERMINATOR = b"0\r\n\r\n"


class Answer(Enum):
    """How the latest request stands."""

    NONE = auto()  # there is none
    AWAITED = auto()  # not a byte has come for it
    BEGUN = auto()  # bytes came after it
    STACKED = auto()  # requests were sent before an earlier one was answered: nobody can tell what answers which


#: What becomes of each when another request is sent, and when bytes come.
ON_REQUEST = {
    Answer.NONE: Answer.AWAITED,
    Answer.AWAITED: Answer.STACKED,
    Answer.BEGUN: Answer.AWAITED,
    Answer.STACKED: Answer.STACKED,
}
ON_BYTES = {
    Answer.NONE: Answer.NONE,
    Answer.AWAITED: Answer.BEGUN,
    Answer.BEGUN: Answer.BEGUN,
    Answer.STACKED: Answer.STACKED,
}


class AnswerWatch:
    """Follows requests sent and reads received; ``tail`` is the end of the latest read."""

    __slots__ = ("_sized", "state", "tail")

    def __init__(self) -> None:
        self.state = Answer.NONE
        self._sized = False
        self.tail = b""

    @property
    def awaited(self) -> bool:
        """Whether an error of ours can stand for the answer to the latest request."""
        return self.state is Answer.AWAITED

    @property
    def stacked(self) -> bool:
        """Whether nobody could tell which request an answer of ours is for."""
        return self.state is Answer.STACKED

    @property
    def may_be_over(self) -> bool:
        """Whether the latest answer has come whole as far as one can tell, or has a length, so that its end says
        nothing new."""
        return self._sized or self.tail == _TERMINATOR

    def asked(self) -> None:
        """A request was sent."""
        self.state = ON_REQUEST[self.state]

    def begun(self, view: memoryview) -> None:
        """The first read from the upstream after a request."""
        self.state = ON_BYTES[self.state]
        self._sized = b"\r\ncontent-length:" in bytes(view[:4096]).lower()
