"""Two streams of 20,000 events aligned: the search for what belongs together stays bounded, whatever differs.

Measured beside reading the same two streams, in one run. ``python -m benchmarks compare [--quick]``
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.relay_bench import Row
from streamlab.comparing.hops import compare_exchanges
from streamlab.comparing.reading import read_exchange
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from tests import streams

_EVENTS = 20_000
_TIMES_READING = 4.0


def _tokens(count: int, word: str = "w", step: int = 7919) -> list[str]:
    return [f" {word}{at * step % 3001}" for at in range(count)]


def _others(words: list[str]) -> dict[str, list[str]]:
    return {
        "the same": words,
        "every two merged": [one + two for one, two in zip(words[::2], words[1::2], strict=True)],
        "every seventh lost": [word for at, word in enumerate(words) if at % 7],
        "nothing in common": _tokens(len(words), "v", 104_729),
    }


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def run(*, quick: bool = False) -> list[Row]:
    """One row for each way in which the streams differ."""
    words = _tokens(_EVENTS // 10 if quick else _EVENTS)
    a = streams.exchange(streams.sse(streams.chat_text(*words)))
    rows = []
    for how, other in _others(words).items():
        b = streams.exchange(streams.sse(streams.chat_text(*other)))
        reports = (analyze(a), analyze(b))
        pairs = [_pair(a, b, reports) for _ in range(2 if quick else 5)]
        ratios = [aligning / reading for reading, aligning in pairs]
        ratio = statistics.median(ratios)
        rows.append(
            Row(
                f"aligning {how}, beside reading both",
                ratio,
                min(ratios),
                max(ratios),
                f"<= {_TIMES_READING:g}",
                ratio <= _TIMES_READING,
                f"{statistics.median(one for _, one in pairs):.2f} CPU s for {len(words)} events",
            )
        )
    return rows


def _pair(a: Exchange, b: Exchange, reports: tuple[object, object]) -> tuple[float, float]:
    reading = _seconds(lambda: (read_exchange(a), read_exchange(b)))
    return reading, _seconds(lambda: compare_exchanges(a, b, reports=reports))  # type: ignore[arg-type]
