"""What lists show of an exchange, and what filters search: made of an analysis."""

from __future__ import annotations

import contextlib
import marshal
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyzer_of
from streamlab.judging.event_index import EventIndex
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.sharing.masking import mask_text
from streamlab.storage.browsing import NOT_JUDGED, AnalysisSummary, Browser

_SPARK = 16
#: Bytes of a body that are held to be told from others, exchanges that are remembered, and characters of their text.
_HELD, _MOST, _LONGEST = 1 << 20, 1_000, 10_000

Summed = tuple[AnalysisSummary, str]


def summaries(path: Path, ids: Sequence[int]) -> list[tuple[int, AnalysisSummary, str]]:
    """The summaries of exchanges of a capture, each with the text to search in; of those that are there and whole."""
    found = []
    browser = Browser(path)
    try:
        for number in ids:
            with contextlib.suppress(UnreadableInputError, NotFoundError):  # damaged, or deleted meanwhile
                found.append((number, *_SUMMED.of(browser.exchange(number))))
    finally:
        browser.close()
    return found


class _Remembered:
    """Summaries of the exchanges asked about last: of the same exchange, and captures that were put together hold many
    twice, the same is said."""

    def __init__(self) -> None:
        self._said: OrderedDict[bytes, Summed] = OrderedDict()

    def of(self, exchange: Exchange) -> Summed:
        """`summary_and_text`."""
        segments = _held(exchange.segments)
        if segments is None:
            return summary_and_text(exchange)
        try:
            key = _key_of(exchange, segments)
        except ValueError:  # notes that are too deep
            return summary_and_text(exchange)
        said = self._said.pop(key, None) or summary_and_text(changed(exchange, segments=segments))
        if len(said[1]) <= _LONGEST:
            self._said[key] = said
            if len(self._said) > _MOST:
                self._said.popitem(last=False)
        return said


_SUMMED = _Remembered()


def _held(segments: Sequence[Segment]) -> list[Segment] | None:
    """All of a body; None where it is long."""
    held, size = [], 0
    for one in segments:
        size += len(one.data)
        if size > _HELD:
            return None
        held.append(one)
    return held


def _key_of(exchange: Exchange, segments: Sequence[Segment]) -> bytes:
    """A hash of all that a judgement hangs on: every byte, every time, every note; not when it was recorded and under
    which label."""
    request, head = exchange.request, exchange.head
    known = (
        (request.method, request.url, request.headers, request.body) if request is not None else None,
        (head.status, head.headers, head.offset_us, head.reason, head.http_version) if head is not None else None,
        [(one.offset_us, len(one.data)) for one in segments],
        exchange.http_chunks is not None,
        exchange.ending.value,
        exchange.end_us,
        exchange.notes,
    )
    found = blake2b(marshal.dumps(known, 0), digest_size=20)
    for one in segments:
        found.update(one.data)
    return found.digest()


def summary_and_text(exchange: Exchange) -> tuple[AnalysisSummary, str]:
    """An exchange's summary, and the text to search in."""
    analyzer = analyzer_of(exchange, spans=False)
    index = EventIndex()
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
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
