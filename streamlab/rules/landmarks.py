"""The events of a stream that rules point back at when it is over, and where each text of the answer begins."""

from __future__ import annotations

from streamlab.record import Record
from streamlab.wire.runs import Run
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.text_pieces import TextKey


class Landmark(Record, frozen=True):
    """An event that rules point back at: its frame, and when it came."""

    sse: ServerSentEvent | None
    offset_us: int | None


class Landmarks:
    """[DONE], errors, finishes, where texts begin, what a tracker keeps the number of, and the last chunk.

    ``texts`` has the event and the path with which each text begins, ``last`` the number of the last chunk, it or the
    run that it is the last of, and when it came.
    """

    __slots__ = ("_kept", "last", "texts")

    def __init__(self) -> None:
        self.texts: dict[TextKey, tuple[int, str]] = {}
        self._kept: dict[int, Landmark] = {}
        self.last: tuple[int, ServerSentEvent | Run | None, int | None] | None = None

    def keep(self, at: int, came: ServerSentEvent | Run | None, offset_us: int | None) -> None:
        """Remember event ``at``, or the first one of a run."""
        self._kept[at] = Landmark(came.first_event() if isinstance(came, Run) else came, offset_us)

    @property
    def last_at(self) -> int | None:
        """The number of the last chunk."""
        return self.last[0] if self.last is not None else None

    def of(self, at: int) -> Landmark | None:
        """Where event ``at`` stands; None for one that is not remembered."""
        known = self._kept.get(at)
        if known is not None or self.last is None or at != self.last[0]:
            return known
        _, came, offset_us = self.last
        return Landmark(came.last_event() if isinstance(came, Run) else came, offset_us)

    def place_of(self, at: int, otherwise_us: int | None) -> tuple[ServerSentEvent | None, int | None]:
        """The frame of event ``at`` and when it came; no frame and another time of one that is not remembered."""
        known = self.of(at)
        return (known.sse, known.offset_us) if known is not None else (None, otherwise_us)
