"""The law of runs over recorded exchanges: events read together or one by one, nothing said or repaired differs.

    python -m benchmarks.recorded_runs FOLDER... [--part 1/2] [--seed 1]

Each exchange below the folders is judged, repaired (safe and unsafe, as bytes and as events with their account) and
compared in four cuts: as it was read, one event a read, 4 KiB a read, and anywhere. What differs is a line; ends with 1
where anything does. The tests hold the same law over streams that hypothesis makes.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.lessons import Runs
from streamlab.storage.exchange_dir import read_exchange_dir
from tests.judging.by_runs import Stream, assert_alike

_KIB4 = 4096
_EVENT_ENDS = re.compile(rb"(?<=\n\n)")
_CUT_AT_MOST = 2000


def _cuts(exchange: Exchange, rng: random.Random) -> Iterator[tuple[str, list[bytes]]]:
    """The body in reads, and how it was cut."""
    body = exchange.body
    yield "as read", [segment.data for segment in exchange.segments]
    yield "events", [read for read in _EVENT_ENDS.split(body) if read]
    yield "4 KiB", [body[at : at + _KIB4] for at in range(0, len(body), _KIB4)]
    anywhere, at = [], 0
    while at < len(body):
        size = rng.randrange(1, _CUT_AT_MOST)
        anywhere.append(body[at : at + size])
        at += size
    yield "anywhere", anywhere


def _checked(exchange: Exchange, reads: list[bytes], runs: Runs) -> str:
    analyzer = Analyzer(exchange.request, exchange.head, runs=runs)
    analyzer.feed_reads([None] * len(reads), reads)
    return repr(analyzer.finish(exchange.ending))


def _questions(exchange: Exchange, reads: list[bytes]) -> Iterator[tuple[str, Callable[[Runs], object]]]:
    stream = Stream(reads, exchange.request, exchange.head, exchange.ending)
    yield "findings", partial(_checked, exchange, reads)
    yield "differences", stream.compared
    for unsafe in (False, True):
        yield f"bytes {unsafe=}", partial(stream.normalized, unsafe=unsafe)
        yield f"account {unsafe=}", partial(stream.accounted, unsafe=unsafe)


def _different(exchange: Exchange, rng: random.Random) -> Iterator[str]:
    for cut, reads in _cuts(exchange, rng):
        for asked, said in _questions(exchange, reads):
            try:
                assert_alike(said)
            except AssertionError as differs:
                yield f"{asked}, {cut}: {str(differs)[:200]}"


def main() -> int:
    """Print what differs, then how many exchanges were read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--part", default="1/1", help="of how many, for several processes")
    parser.add_argument("--seed", type=int, default=1, help="of the cuts")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    homes = sorted(found.parent for folder in asked.folders for found in folder.rglob("exchange.json"))
    rng, read, differ = random.Random(asked.seed), 0, 0
    for home in homes[part - 1 :: parts]:
        read += 1
        for line in _different(read_exchange_dir(home), rng):
            differ += 1
            print(f"{home}: {line}", flush=True)
    print(f"{read} exchanges, {differ} differences")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
