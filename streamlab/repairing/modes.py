"""What is done with the bytes of a body that is repaired: one `Mode` at a time, and which may follow which."""

from __future__ import annotations

from enum import Enum, auto


class Mode(Enum):
    """What is done with the bytes that come."""

    PASSING = auto()  # no stream was asked for, or the API is foreign and has no translator: nothing is repaired
    COLLECTING = auto()  # an answer with an error status, small and no stream
    BEGINNING = auto()  # the first byte that is no white space says whether this is an event stream or bare JSON
    READING = auto()  # an event stream
    SPLITTING = auto()  # JSON values in a row
    ASIDE = auto()  # the stream asked too much: what comes goes by as it is
    DROPPING = auto()  # an error event stands for all that comes


TRANSITIONS: dict[Mode, frozenset[Mode]] = {
    Mode.PASSING: frozenset(),
    Mode.COLLECTING: frozenset(),
    Mode.BEGINNING: frozenset({Mode.READING, Mode.SPLITTING, Mode.PASSING}),
    Mode.READING: frozenset({Mode.PASSING, Mode.ASIDE, Mode.DROPPING}),
    Mode.SPLITTING: frozenset({Mode.READING, Mode.PASSING, Mode.DROPPING}),
    Mode.ASIDE: frozenset(),
    Mode.DROPPING: frozenset(),
}


class Coding(Enum):
    """What is done about the content coding."""

    NONE = auto()
    CHECKING = auto()  # whether the body is in the coding that its head names at all
    DECODING = auto()
