"""What lists show of an exchange, and what filters search: made of an analysis."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyzer_of
from streamlab.judging.event_index import EventIndex
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.sharing.masking import mask_text
from streamlab.storage.browsing import NOT_JUDGED, AnalysisSummary, Browser
from streamlab.storage.sameness import key_of

_SPARK = 16
#: Exchanges that are remembered, and characters of their text.
_MOST, _LONGEST = 1_000, 10_000

Summed = tuple[AnalysisSummary, str]


def summaries(path: Path, ids: Sequence[int]) -> list[tuple[int, AnalysisSummary, str]]:
    """The summaries of exchanges of a capture, each with the text to search in; of those that are there and whole."""
    found = []
    browser = Browser(path)
    try:
        for number in ids:
            with contextlib.suppress(UnreadableInputError, NotFoundError):  # damaged, or deleted meanwhile
                found.append((number, *_SUMMED.of(browser, number)))
    finally:
        browser.close()
    return found


class _Remembered:
    """Summaries of the exchanges asked about last: of the same exchange, and captures that were put together hold many
    twice, the same is said."""

    def __init__(self) -> None:
        self._said: OrderedDict[bytes, Summed] = OrderedDict()

    def of(self, browser: Browser, number: int) -> Summed:
        """`summary_and_text` of an exchange of a capture. Raises NotFoundError, UnreadableInputError."""
        key = key_of(browser.db, number)
        if key is None:
            return summary_and_text(browser.exchange(number))
        said = self._said.pop(key, None) or summary_and_text(browser.exchange(number))
        if len(said[1]) <= _LONGEST:
            self._said[key] = said
            if len(self._said) > _MOST:
                self._said.popitem(last=False)
        return said


_SUMMED = _Remembered()


def summary_and_text(exchange: Exchange) -> tuple[AnalysisSummary, str]:
    """An exchange's summary, and the text to search in."""
    analyzer = analyzer_of(exchange, spans=False)
    index, paced = EventIndex(), len(exchange.segments) > 1  # what came at once has no gaps
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
        if paced:
            index.feed(segment.offset_us, segment.data)
    report = analyzer.finish(exchange.ending, exchange.end_us)
    return summary_of(report, analyzer.ctx.accumulator.model, index)


def summary_of(report: Report, model: str | None, index: EventIndex) -> tuple[AnalysisSummary, str]:
    """What lists show of a report, and the text to search in; both are kept, so that neither holds a known secret."""
    summary = AnalysisSummary(
        api=str(report.api),
        model=mask_text(model) if isinstance(model, str) else None,
        dialect=report.dialect,
        events=report.metrics.events,
        ttft_us=report.metrics.ttft_us,
        stalls=report.metrics.stalls,
        worst=_worst(report),
        rules={one.rule: str(one.severity) for one in worst_first(report.findings)},
        gaps=spark_levels(index.sketch.gaps),
    )
    return summary, mask_text(str(report.completion.get("content") or ""))


def _worst(report: Report) -> str | None:
    if report.worst is not None:
        return str(report.worst)
    return None if report.judged else NOT_JUDGED


def spark_levels(gaps: Sequence[int]) -> bytes:
    """Gaps as at most 16 levels from 0 to 8, the longest being 8; nothing where no time is known."""
    longest = max(gaps, default=0)
    if longest <= 0:
        return b""
    count = min(_SPARK, len(gaps))
    cut = [gaps[at * len(gaps) // count : (at + 1) * len(gaps) // count] for at in range(count)]
    return bytes(round(8 * max(part) / longest) for part in cut)
