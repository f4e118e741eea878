"""wire/http1 beside httptools: what reading the framing of a recorded stream costs, per HTTP chunk.

Both are asked for the same: the body's pieces, chunk by chunk. ``python -m benchmarks.framing_bench [--quick]``
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.load_kinds import KINDS
from benchmarks.relay_bench import Row
from streamlab.wire.http1 import Body, ResponseReader

_ROUNDS = 5
#: Chunks in one read: of a burst, and of a stream whose tokens come one by one.
_READS = (32, 1)


def ours(reads: list[bytes]) -> int:
    """Chunks that the recorder's reader finds, the way the recorder uses it."""
    reader, found = ResponseReader(), 0
    reader.expect("POST")
    at = 0
    while at < len(reads):
        if reader.body is not None and (whole := reader.body.whole_chunks(reads[at : at + 64]))[1]:
            found += len(whole[0])
            at += len(whole[1])
            continue
        for event in reader.feed(reads[at]):
            if type(event) is Body:
                found += len(event.pieces)
        at += 1
    return found


class _Chunks:
    """Callbacks that keep what the recorder keeps: each piece with the number of its chunk."""

    def __init__(self) -> None:
        self.pieces: list[tuple[bytes, int]] = []
        self.chunk = 0

    def on_body(self, data: bytes) -> None:
        self.pieces.append((data, self.chunk))

    def on_chunk_complete(self) -> None:
        self.chunk += 1


def theirs(reads: list[bytes]) -> int:
    """Chunks that httptools finds; pieces are dropped read by read, as the recorder does."""
    import httptools

    chunks, found = _Chunks(), 0
    parser = httptools.HttpResponseParser(chunks)
    for data in reads:
        parser.feed_data(data)
        found += len(chunks.pieces)
        chunks.pieces.clear()
    return found


def _microseconds(work: Callable[[list[bytes]], int], reads: list[bytes]) -> float:
    began = time.process_time()
    count = work(reads)
    return 1e6 * (time.process_time() - began) / count


def run(*, quick: bool = False) -> list[Row]:
    """The cost of ours over that of httptools. Raises RuntimeError where that is not installed."""
    try:
        import httptools  # noqa: F401
    except ImportError:
        raise RuntimeError("httptools is not installed: pip install 'streamlab[bench]'") from None
    rows = []
    for together in _READS:
        count = 20_000 if quick else 200_000
        kind = KINDS["text"]
        block = b"".join(kind.framed(number) for number in range(together))
        reads = [kind.start, *[block] * (count // together), kind.stop]
        assert ours(reads) == theirs(reads)
        pairs = [(_microseconds(ours, reads), _microseconds(theirs, reads)) for _ in range(_ROUNDS)]
        each = [mine / other for mine, other in pairs]
        detail = "; ".join(
            f"{name} {statistics.median(values):.2f} µs a chunk"
            for name, values in zip(("wire/http1", "httptools"), zip(*pairs, strict=True), strict=True)
        )
        name = f"framing, {together} chunk{'s' if together > 1 else ''} a read: cost over httptools'"
        # No target: the price of a decision (docs/decisions/0001), to be known.
        rows.append(Row(name, statistics.median(each), min(each), max(each), "no target", True, detail))
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the chunks")
    for row in run(quick=parser.parse_args().quick):
        print(f"{row.name}: {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f})  [{row.detail}]")
    sys.exit(0)


if __name__ == "__main__":
    main()
