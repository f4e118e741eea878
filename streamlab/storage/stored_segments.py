"""The segments of an exchange in a capture, read when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Segment

if TYPE_CHECKING:
    from streamlab.storage.capture_db import CaptureDB

#: Rows fetched at once while iterating.
_PAGE = 16


class StoredSegments(Sequence[Segment]):
    """An exchange's segments, read from the database a page at a time; their number is fixed when it is made."""

    def __init__(self, db: CaptureDB, exchange_id: int, count: int) -> None:
        self._db = db
        self._exchange_id = exchange_id
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Segment]:
        at = 0
        while at < self._count and (page := self._db.stored_between(self._exchange_id, at, self._count, rows=_PAGE)):
            for one in page:
                yield Segment(one.offset_us, one.data)
            at = page[-1].seq + 1

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Segment]: ...
    def __getitem__(self, at: int | slice) -> Segment | Sequence[Segment]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            if step == 1:
                return self._db.segments_between(self._exchange_id, start, stop)
            return [self[index] for index in range(start, stop, step)]
        index = at + self._count if at < 0 else at
        if not 0 <= index < self._count:
            raise IndexError(at)
        found = self._db.segments_between(self._exchange_id, index, index + 1)
        if not found:
            raise UnreadableInputError(
                f"{self._db.path}: exchange {self._exchange_id} is damaged: segment {at} is gone"
            )
        return found[0]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]
