"""What analyses of a capture came to, kept in it: filtered lists, and when each rule was first seen. Wiring only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streamlab import __version__
from streamlab.errors import CouldNotRunError
from streamlab.storage.browsing import AnalysisSummary, Browser, ListRow
from streamlab.storage.filtering import CAPTURE, Fields, Filter, parse
from streamlab.storage.rules_version import rules_version

if TYPE_CHECKING:  # what judges is loaded where something is judged: most lists were judged before
    from streamlab.judging.trend import By, JudgedExchange

#: Exchanges summarized between two writes, where they are few and where they are many, and looked up at once.
_BATCH, _LARGE_BATCH, _PAGE = 50, 500, 500
#: Batches, at least, before they are large: every core is to have some.
_MANY_BATCHES = 32


class Wanted(NamedTuple):
    """Which exchanges to list: ``line`` is in the filter language of `storage.filtering`, ``since`` a moment."""

    line: str = ""
    since: datetime | None = None

    def filter(self, fields: Fields = CAPTURE) -> Filter:
        """As SQL. ``problems`` holds what could not be read of the line."""
        found = parse(self.line, fields)
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
        missing = set(browser.not_summarized(__version__, -1)).intersection(newest)
        if not missing:
            return list(_rows(browser, newest)), len(ids)
    finally:
        browser.close()
    _summarize(path, [one for one in newest if one in missing], advance)
    browser = Browser(path)
    try:
        return list(_rows(browser, newest)), len(ids)
    finally:
        browser.close()


def judged_exchanges(
    path: Path, wanted: Wanted, advance: Callable[[], None], by: Sequence[By] | None = None
) -> Iterator[JudgedExchange]:
    """Every exchange that fits and can be judged, oldest first; what these rules never judged is judged first. Of model
    and version those are known that are in ``by``, or all."""
    from streamlab.judging.trend import By, JudgedExchange, version_told

    unsaved = summarize_all(path, wanted, advance)
    browser = Browser(path)
    try:
        told = {"models": by is None or By.MODEL in by, "headers": by is None or By.VERSION in by}
        for number, at, url, rules, model, label, headers, is_judged in browser.judged(wanted.filter(), **told):
            if unsaved and number in unsaved:
                rules, model = unsaved[number].rules, unsaved[number].model or model
                is_judged = unsaved[number].judged
            if not is_judged:
                continue  # a list of models, say: no share of what streams do
            version = version_told(headers) if headers is not None else None
            yield JudgedExchange(number, at, url, rules, model, label, version)
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


def summarize_all(path: Path, wanted: Wanted, advance: Callable[[], None]) -> dict[int, AnalysisSummary]:
    """Analyze what these rules never judged, of the exchanges that fit as far as that is known already; returns what
    could not be kept."""
    chosen = wanted.filter()
    browser = Browser(path)
    try:
        missing = browser.not_summarized(rules_version(), -1)
        if wanted != Wanted():
            fitting = set(browser.ids(Filter() if chosen.derived else chosen))
            missing = [one for one in missing if one in fitting]
    finally:
        browser.close()
    return _summarize(path, missing[::-1], advance)


def _summarize(path: Path, ids: Sequence[int], advance: Callable[[], None]) -> dict[int, AnalysisSummary]:
    """Analyze exchanges, on all cores where they are many, and keep what it came to; returns what could not be kept."""
    unsaved: dict[int, AnalysisSummary] = {}
    found: Iterator[list[tuple[int, AnalysisSummary, str]]]
    if not ids:
        return unsaved
    ids = _alike_together(path, ids) if len(ids) > _BATCH else ids
    size = min(max(_BATCH, len(ids) // _MANY_BATCHES), _LARGE_BATCH)
    batches = [list(ids[start : start + size]) for start in range(0, len(ids), size)]
    from streamlab.workflows.summary import summaries  # here, and so in processes that are forked, once for all

    work = partial(summaries, path)
    found = map(work, batches)
    if len(batches) > 1:
        from streamlab.workflows.cores import on_all_cores

        found = on_all_cores(work, batches)
    for some in found:
        # Open only while it is written: processes that start meanwhile inherit nothing.
        if not unsaved:
            try:
                _save(path, some)
            except CouldNotRunError:
                unsaved = {one[0]: one[1] for one in some}
        else:
            unsaved.update((one[0], one[1]) for one in some)
        for _ in some:
            advance()
    return unsaved


def _alike_together(path: Path, ids: Sequence[int]) -> list[int]:
    """So that exchanges which are the same meet in one process, where one is judged."""
    browser = Browser(path)
    try:
        return browser.alike_together(ids)
    finally:
        browser.close()


def _save(path: Path, found: Sequence[tuple[int, AnalysisSummary, str]]) -> None:
    writer = Browser(path, write=True)
    try:
        writer.save(rules_version(), found)
    finally:
        writer.close()
