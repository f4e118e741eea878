"""What analyses of a capture came to, kept in it: filtered lists, and when each rule was first seen. Wiring only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streamlab import __version__
from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.event_index import EventIndex
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.judging.trend import JudgedExchange, Sighting, sightings
from streamlab.storage.browsing import NOT_JUDGED, AnalysisSummary, Browser, ListRow
from streamlab.storage.filtering import Filter, parse

_SPARK = 16
#: Exchanges summarized between two writes, and looked up at once.
_BATCH, _PAGE = 50, 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges to list: ``line`` is in the filter language of `storage.filtering`, ``since`` a moment."""

    line: str = ""
    since: datetime | None = None

    def filter(self) -> Filter:
        """As SQL. ``problems`` holds what could not be read of the line."""
        found = parse(self.line)
        if self.since is None:
            return found
        moment = self.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return found._replace(where=f"({found.where}) AND e.started_at >= ?", parameters=(*found.parameters, moment))


def listed(path: Path, wanted: Wanted, limit: int | None, advance: Callable[[], None]) -> tuple[list[ListRow], int]:
    """The newest ``limit`` exchanges that fit, oldest first, and how many fit in all.

    ``advance`` is called for each exchange that had to be analyzed. Where the database cannot be written, what was
    never analyzed stays so.
    """
    chosen = wanted.filter()
    if chosen.derived:
        summarize_all(path, Wanted(since=wanted.since), advance)
    browser = Browser(path)
    try:
        ids = browser.ids(chosen)
        newest = list(reversed(ids[:limit] if limit is not None else ids))
        summarize(path, browser, newest, advance)
        return list(_rows(browser, newest)), len(ids)
    finally:
        browser.close()


def first_seen(path: Path, wanted: Wanted, advance: Callable[[], None]) -> list[Sighting]:
    """When each rule was first seen at each upstream, the newest first."""
    return sightings(judged_exchanges(path, wanted, advance))


def judged_exchanges(path: Path, wanted: Wanted, advance: Callable[[], None]) -> Iterator[JudgedExchange]:
    """Every exchange that fits, oldest first; what was never analyzed is analyzed first."""
    summarize_all(path, wanted, advance)
    browser = Browser(path)
    try:
        for row in _rows(browser, list(reversed(browser.ids(wanted.filter())))):
            seen, summary = row.overview, row.summary
            rules, model = (summary.rules, summary.model) if summary else ({}, None)
            yield JudgedExchange(seen.id, seen.started_at, seen.url, rules, model or seen.model, seen.label)
    finally:
        browser.close()


def _rows(browser: Browser, ids: Sequence[int]) -> Iterator[ListRow]:
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        found = browser.rows(page)
        yield from (found[one] for one in page if one in found)


def since(text: str, now: datetime) -> datetime | None:
    """``2h``, ``3d``, or a date like ``2026-11-01``; None when it is neither. Dates without a zone are local."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdecimal() and len(text) < 8 and text[-1:] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None


# -- analyses that are kept ------------------------------------------------------------------------------------------


def summarize_all(path: Path, wanted: Wanted, advance: Callable[[], None]) -> None:
    """Analyze what was never analyzed by this version, of the exchanges that fit as far as that is known already."""
    chosen = wanted.filter()
    browser = Browser(path)
    try:
        missing = set(browser.not_summarized(__version__, -1))
        ids = [one for one in browser.ids(Filter() if chosen.derived else chosen) if one in missing]
    finally:
        browser.close()
    _summarize(path, ids, advance)


def summarize(path: Path, browser: Browser, ids: Sequence[int], advance: Callable[[], None]) -> None:
    """Analyze those of these exchanges that this version never did, as far as the database can be written."""
    missing = set(browser.not_summarized(__version__, -1))
    with contextlib.suppress(CouldNotRunError):
        _summarize(path, [one for one in ids if one in missing], advance)


def _summarize(path: Path, ids: Sequence[int], advance: Callable[[], None]) -> None:
    if not ids:
        return
    writer = Browser(path, write=True)
    try:
        for start in range(0, len(ids), _BATCH):
            found = []
            for number in ids[start : start + _BATCH]:
                with contextlib.suppress(UnreadableInputError, NotFoundError):  # damaged, or deleted meanwhile
                    found.append((number, *summary_and_text(writer.exchange(number))))
                advance()
            writer.save(__version__, found)
    finally:
        writer.close()


def summary_and_text(exchange: Exchange) -> tuple[AnalysisSummary, str]:
    """An exchange's summary, and the text to search in."""
    analyzer = Analyzer(
        exchange.request,
        exchange.head,
        notes=exchange.notes,
        http_chunked=exchange.http_chunks is not None or None,
        timing_known=exchange.timing_known,
    )
    index = EventIndex()
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
        index.feed(segment.offset_us, segment.data)
    report = analyzer.finish(exchange.ending, exchange.end_us)
    return summary_of(report, analyzer.ctx.accumulator.model, index), str(report.completion.get("content") or "")


def summary_of(report: Report, model: str | None, index: EventIndex) -> AnalysisSummary:
    """What lists show of a report."""
    return AnalysisSummary(
        api=str(report.api),
        model=model if isinstance(model, str) else None,
        dialect=report.dialect,
        events=report.metrics.events,
        ttft_us=report.metrics.ttft_us,
        stalls=report.metrics.stalls,
        worst=_worst(report),
        rules={one.rule: str(one.severity) for one in worst_first(report.findings)},
        gaps=spark_levels(index.sketch.gaps),
    )


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
