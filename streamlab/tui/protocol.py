"""What the screen and the analyst process say to each other: pickled tuples, each preceded by its length.

Both ends are streamlab, started by one another; nothing of a capture is ever unpickled, it only travels inside.
A ``token`` names the exchange that was opened, so that late answers about another one are dropped.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # what is answered brings these with it, when it comes
    from streamlab.comparing.comparison import Comparison
    from streamlab.comparing.event_outcomes import EventDiff
    from streamlab.comparing.parity import Parity
    from streamlab.judging.event_index import IndexPart
    from streamlab.judging.report import Report

_LENGTH = struct.Struct(">I")


class Open(NamedTuple):
    """Work on this exchange of this capture from now on."""

    token: int
    path: str
    exchange_id: int


class Poke(NamedTuple):
    """There may be more of the opened exchange."""


class AskState(NamedTuple):
    """What does a client hold after this event?"""

    token: int
    event: int


class AskDiff(NamedTuple):
    """How does this event differ?"""

    token: int
    event: int


class Search(NamedTuple):
    """Where is this text, from an event on (``step`` 1) or backwards (-1), and round the end? Upper and lower case
    are the same."""

    token: int
    text: str
    event: int
    step: int


class Summarize(NamedTuple):
    """Analyze these exchanges and keep what it came to, the first ones first; replaces what was asked before."""

    path: str
    ids: tuple[int, ...]


class Import(NamedTuple):
    """Copy what TARGETs name into a capture."""

    targets: tuple[str, ...]
    path: str


class Compare(NamedTuple):
    """Compare exchange ``a`` with ``b``, or with its own normalized form (``b`` None), which is written into the
    capture ``scratch``."""

    token: int
    path: str
    a: int
    b: int | None
    scratch: str


class Aligned(NamedTuple):
    """A comparison, and where the two sides can be read: (capture, exchange, index). ``outcome`` is a Comparison of
    two recordings, or a Parity of two modes of one request."""

    token: int
    outcome: Comparison | Parity
    a: tuple[str, int, IndexPart]
    b: tuple[str, int, IndexPart]


class Indexed(NamedTuple):
    """More of the index. ``whole`` says that it covers everything there is and ever will be."""

    token: int
    part: IndexPart
    whole: bool


class Progress(NamedTuple):
    """How far a stage ("indexing", "analysing", "comparing") has come, from 0 to 1; ``left`` is what is to do."""

    token: int
    stage: str
    fraction: float


class Analyzed(NamedTuple):
    """The findings so far, or all of them when ``whole``."""

    token: int
    report: Report
    whole: bool


class Compared(NamedTuple):
    """The comparison with OpenAI is done up to this event."""

    token: int
    events: int
    whole: bool


class HeldState(NamedTuple):
    """What a client holds after an event, of its texts only the ends; ``lengths`` says how long they are, and how
    many choices there are. ``waiting`` says that the fold has not come so far yet; ``foreign`` is the API of a stream
    that no OpenAI client reads, and what is held is then what its translation makes a client hold; None where nothing
    translates it. ``came_whole`` says that the answer was no stream: it holds what stands in it."""

    token: int
    event: int
    completion: dict[str, Any] | None
    waiting: bool
    lengths: dict[str, int] = {}  # noqa: RUF012 - never changed
    foreign: str = ""
    came_whole: bool = False


class Diffs(NamedTuple):
    """How an event differs: nothing when it passes untouched. ``waiting``: not compared yet. ``kept`` is False where
    too many events differ for each to be remembered."""

    token: int
    event: int
    diffs: tuple[EventDiff, ...]
    waiting: bool
    kept: bool = True
    foreign: bool = False


class SearchResult(NamedTuple):
    """The next event with a text; None when there is none. ``done`` is False while the search goes on, ``wrapped``
    says that it went round the end."""

    token: int
    text: str
    event: int | None
    done: bool
    wrapped: bool = False


class Summarized(NamedTuple):
    """These exchanges have a summary now; so many are left."""

    ids: tuple[int, ...]
    left: int


class Imported(NamedTuple):
    """So many exchanges were copied; ``problem`` says what could not be read."""

    copied: int
    done: bool
    problem: str


class Failed(NamedTuple):
    """Something could not be done: one line for people."""

    message: str


def send(pipe: IO[bytes], message: object) -> None:
    """Write one message. Raises OSError or ValueError when the other end has gone."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read one message; None when the other end has gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return pickle.loads(data) if len(data) == length else None
