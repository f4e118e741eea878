"""Normalizing a clean stream beside checking it, in one run: CPU seconds of one process, taking turns.

``python -m benchmarks.normalizer_bench [--quick]``
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.check_bench import stream
from benchmarks.relay_bench import Row
from streamlab.exchange import Request, ResponseHead
from streamlab.judging.analyzer import Analyzer
from streamlab.repairing.normalizer import Normalizer

_CHUNKS, _QUICK_CHUNKS, _ROUNDS, _READ = 200_000, 20_000, 5, 4096
_REQUEST = Request("POST", "http://127.0.0.1/v1/chat/completions", (), b'{"stream":true,"model":"gpt-4o"}')
_HEAD = ResponseHead(200, (("content-type", "text/event-stream; charset=utf-8"),), 1000)


def _cpu(machine: Analyzer | Normalizer, body: bytes) -> float:
    start = time.process_time()
    for at in range(0, len(body), _READ):
        if isinstance(machine, Analyzer):
            machine.feed(None, body[at : at + _READ])
        else:
            machine.feed(body[at : at + _READ])
    machine.finish()
    return time.process_time() - start


def run(quick: bool = False) -> list[Row]:
    """Measure; ``quick`` takes a tenth of the stream."""
    chunks = _QUICK_CHUNKS if quick else _CHUNKS
    body = b"".join(stream(chunks))
    repaired = Normalizer(_REQUEST, _HEAD)
    if repaired.feed(body) + repaired.finish() != body:
        raise AssertionError("a clean stream has to come out byte for byte")
    ratios, each = [], []
    for _ in range(_ROUNDS):
        checked = _cpu(Analyzer(_REQUEST, _HEAD), body)
        normalized = _cpu(Normalizer(_REQUEST, _HEAD), body)
        ratios.append(normalized / checked)
        each.append(normalized / chunks * 1e6)
    ratio = statistics.median(ratios)
    detail = f"{statistics.median(each):.1f} µs a chunk"
    return [
        Row("normalize / check, CPU, a clean stream", ratio, min(ratios), max(ratios), "at most 2", ratio <= 2, detail)
    ]


def main() -> None:
    """Print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    for row in run(parser.parse_args().quick):
        print(f"{row.name}: {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}), {row.target}; {row.detail}")


if __name__ == "__main__":
    main()
