"""Ways to cut a body: whole, event by event, byte by byte, and in seeded random cuts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from streamlab.wire.sse import SSEDecoder

_RANDOM_CUTTINGS = 6
#: A body beyond this is not fed byte by byte: nobody waits for that in a test.
_MAX_BYTEWISE = 256 * 1024
#: Every byte as bytes.
_SINGLE = [bytes([one]) for one in range(256)]


class Bytewise:
    """A body byte by byte."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        return map(_SINGLE.__getitem__, self.body)


def cuttings(body: bytes) -> Iterator[tuple[str, Sequence[int]]]:
    """Names and cut positions, ascending and each once: whole, event by event, byte by byte, and seeded random cuts."""
    yield "whole", []
    decoder = SSEDecoder()
    ends = [start + size for start, size in decoder.feed_spans(body)] + [one.span[1] for one in decoder.finish()]
    yield "event by event", [end for end in ends if 0 < end < len(body)]
    if len(body) <= _MAX_BYTEWISE:
        yield "byte by byte", range(1, len(body))
    between = len(body) - 1
    for seed in range(_RANDOM_CUTTINGS):
        yield f"random cuts, seed {seed}", sorted({1 + int(share * between) for share in _shares(seed) if between > 0})


@cache
def _shares(seed: int) -> list[float]:
    """Where random cuts are, in shares of a body: few or many."""
    chance = random.Random(seed)
    return [chance.random() for _ in range(chance.randint(1, 40))]


def pieces(body: bytes, cuts: Sequence[int]) -> Iterable[bytes]:
    """A body cut at these positions, each of them named once."""
    if len(cuts) == len(body) - 1:
        return Bytewise(body)
    bounds = [0, *cuts, len(body)]
    return [body[start:stop] for start, stop in itertools.pairwise(bounds) if start < stop]
