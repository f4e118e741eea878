"""Masks a long body part by part, parted where that comes to the same as masking it as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streamlab.exchange import Segment
from streamlab.sharing.shared import mask_segments
from streamlab.sharing.wanted import Masking

#: Bytes of a body that are masked at once, where it is longer.
MOST_AT_ONCE = 8 * 1024 * 1024
#: About what of a part is kept back for the next one, and how often a place to part it is looked for.
_KEPT_BACK, _TRIES = 1024 * 1024, 8


def masked_in_parts(segments: Iterable[Segment], masking: Masking) -> Iterator[Segment]:
    """The reads of a body without content coding, masked. About 10 MiB of them are in memory at a time, more where no
    place to part them is found."""
    part: list[Segment] = []
    size, wanted = 0, MOST_AT_ONCE
    for one in segments:
        part.append(one)
        size += len(one.data)
        if size > wanted:
            shown = mask_segments(tuple(part), None, masking)[0]
            stop = place_to_part(part, shown, masking)
            yield from shown[:stop]
            del part[:stop]
            size = sum(len(one.data) for one in part)
            wanted = max(2 * size, MOST_AT_ONCE)
    yield from mask_segments(tuple(part), None, masking)[0]


def place_to_part(part: Sequence[Segment], shown: Sequence[Segment], masking: Masking) -> int:
    """How many reads of a part are over, given the part masked: those before about the last mebibyte, up to one from
    which on masking comes to the same without what was before; 0 where there is no such place."""
    place, size, wanted = len(part), 0, _KEPT_BACK
    for _ in range(_TRIES):
        while place and size < wanted:
            place -= 1
            size += len(part[place].data)
        if mask_segments(tuple(part[place:]), None, masking)[0] == tuple(shown[place:]):
            return place
        wanted += _KEPT_BACK // 4
    return 0
