"""Rows of a capture whose bytes are packed by zstd: a stream says the same again and again, and so do all streams.

In ``packed`` such a row has ``{"zstd": [[gap, length], ...]}``, one pair a segment: ``gap`` counts microseconds since
the segment before, from the row's ``offset_us``; a third number, where there is one, is that of the segment's HTTP
chunk less the row's, else they count up. So times and lengths can be read without knowing zstd. ``data`` is one frame,
which names the dictionary it was packed with. Dictionaries lie in ``dictionaries/``, by their numbers, and stay there:
what was packed with one is read with it for good.
"""

from __future__ import annotations

from _thread import _local  # threading itself takes as long to import as all of this
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from operator import sub
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.storage.rows import MOST, DamagedRowError

if TYPE_CHECKING:  # takes 12 ms to import, which only bytes are worth
    import zstandard

#: What is packed with now.
DICTIONARY = 40001
#: How large a row is packed as it is written: one that need not be joined with others later. And how much has to go.
LARGE, _AT_MOST = 16 * 1024, 0.75
_LEVEL = 3
#: How a row begins that is packed.
MARK = '{"zstd":'
#: The largest segment that is packed, and that a packed row of one may unpack to.
LARGEST = 64 * 1024 * 1024
#: Above which size a row may be no more than so many times its frame: no small file holds an endless body.
_WHATEVER, _MOST_TIMES = 64 * 1024, 256
_FOLDER = Path(__file__).parent / "dictionaries"


class PackedSegments(NamedTuple):
    """What a packed row says of its segments, one of each; ``chunks`` is None where their numbers count up."""

    offsets: list[int | None]
    sizes: list[int]
    chunks: list[int] | None


def pack(data: bytes, least: int = LARGE) -> bytes | None:
    """The bytes of a row, ``least`` of them, as one frame; None where that is not worth it."""
    size = len(data)
    if not least <= size <= LARGEST:
        return None
    frame = _HERE.compressor().compress(data)
    return frame if len(frame) <= size * _AT_MOST and _may_hold(len(frame), size) else None


def _may_hold(frame: int, size: int) -> bool:
    """Whether a frame of that length may unpack to ``size`` bytes."""
    return size <= max(_WHATEVER, frame * _MOST_TIMES)


def described(offsets: Sequence[int | None], sizes: Sequence[int], chunks: Sequence[int] | None = None) -> str:
    """``packed`` of a row: times in microseconds (none, or all of them), lengths, and numbers of HTTP chunks less the
    row's, None where they count up."""
    import msgspec

    gaps: Sequence[Any] = [0] * len(sizes)
    if offsets[0] is not None:
        gaps = [0, *map(sub, offsets[1:], offsets)]
    parts: list[Any] = list(zip(gaps, sizes, strict=True))
    if chunks is not None:
        numbered = enumerate(zip(parts, chunks, strict=True))
        parts = [part if chunk == at else (*part, chunk) for at, (part, chunk) in numbered]
    return MARK + msgspec.json.encode(parts).decode() + "}"


def is_packed(packed: str | None) -> bool:
    """Whether the bytes of a row that has this in ``packed`` are packed."""
    return packed is not None and packed.startswith("{")


def described_by(packed: str, first_us: int | None, size: int, most: int) -> PackedSegments:
    """What ``packed`` says of ``most`` segments at most, of ``size`` bytes in all. Raises DamagedRowError."""
    import msgspec

    try:
        parts = msgspec.json.decode(packed, type=dict[str, list[list[int]]])["zstd"]
        gaps, sizes = [part[0] for part in parts], [part[1] for part in parts]
    except (msgspec.MsgspecError, RecursionError, ValueError, LookupError):
        raise DamagedRowError("packed is no list of segments") from None
    kinds = set(map(len, parts))
    if not kinds <= {2, 3} or not 0 < len(parts) <= most or min(sizes) < 0 or sum(sizes) != size:
        raise DamagedRowError("packed holds no segments, or too many")
    offsets: list[int | None] = [None] * len(parts)
    if first_us is not None:
        found = list(accumulate(gaps, initial=first_us))[1:]
        if min(found) < 0 or max(found) >= MOST:
            raise DamagedRowError("packed holds what is no time")
        offsets = list(found)
    return PackedSegments(offsets, sizes, None if kinds == {2} else _chunks(parts))


def _chunks(parts: list[list[int]]) -> list[int]:
    chunks = [part[2] if len(part) > 2 else at for at, part in enumerate(parts)]
    if min(chunks) < 0 or max(chunks) >= MOST:
        raise DamagedRowError("packed holds what is no chunk")
    return chunks


def unpack(frame: bytes, size: int, segments: int, most: int) -> bytes:
    """The bytes of a row, which are ``size``; more than ``most`` only of a single segment. Raises DamagedRowError."""
    import zstandard

    if size > (most if segments > 1 else LARGEST):
        raise DamagedRowError("packed holds more than a row may")
    if not _may_hold(len(frame), size):
        raise DamagedRowError("data would unpack to more than it can hold")
    try:
        told = zstandard.get_frame_parameters(frame)
        # Not every size is believed: what a frame says of itself is all the room that it gets.
        if told.content_size != size:
            raise DamagedRowError("data has another length than packed")
        return _HERE.decompressor(told.dict_id).decompress(frame)
    except zstandard.ZstdError as error:
        raise DamagedRowError(f"data cannot be unpacked: {error}") from None


class _ThisThreads(_local):
    """What packs and unpacks, dictionaries too: none of it is for two threads at once."""

    def __init__(self) -> None:
        self._compressor: zstandard.ZstdCompressor | None = None
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def compressor(self) -> zstandard.ZstdCompressor:
        """Packs with the dictionary of now."""
        if self._compressor is None:
            import zstandard

            known = zstandard.ZstdCompressionDict(_dictionary(DICTIONARY))
            known.precompute_compress(level=_LEVEL)
            self._compressor = zstandard.ZstdCompressor(dict_data=known, write_checksum=True)
        return self._compressor

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        """Unpacks what was packed with a dictionary, or with none (0)."""
        found = self._decompressors.get(number)
        if found is None:
            import zstandard

            known = zstandard.ZstdCompressionDict(_dictionary(number)) if number else None
            found = self._decompressors[number] = zstandard.ZstdDecompressor(dict_data=known)
        return found


_HERE = _ThisThreads()


@cache
def _dictionary(number: int) -> bytes:
    try:
        return (_FOLDER / f"{number}.zdict").read_bytes()
    except OSError:
        raise DamagedRowError(f"it is packed with dictionary {number}, which this streamlab does not know") from None
