"""Questions over many exchanges.

A database answers from what is kept of its analyses, a lake from its findings; a folder is analyzed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from streamlab.judging import trend
from streamlab.judging.trend import By, JudgedExchange, Onset, Share, Sighting
from streamlab.storage.location import LAKE, existing_db
from streamlab.workflows.summarize import Wanted, judged_exchanges

if TYPE_CHECKING:
    from streamlab.storage.targets import Target


class Counting(Protocol):
    """What is told how far it is."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""

    def expect(self, total: int) -> None:
        """So many there will be."""


class Questioned(NamedTuple):
    """What is asked: a TARGET, or the database where it is None."""

    target: str | None
    db: Path | None
    progress: Counting
    warn: Callable[[str], object]


def shares(source: Questioned, by: Sequence[By], wanted: Sequence[str]) -> tuple[list[Share], int]:
    """How often rules spoke in each group, and how many files of a lake the answer lacks."""
    if _is_lake(source.target):
        from streamlab.storage.lake import trends  # the extra, which nothing else needs
        from streamlab.workflows.asked import asked

        with asked(*_asked(source)) as there:
            return trends.shares(there.questions, by, wanted), there.unreadable
    return trend.shares(exchanges_of(source.target, source.db, source.progress.advance, by), by, wanted), 0


def onsets(source: Questioned, rule: str) -> tuple[list[Onset], int]:
    """Where a rule began, and how many files of a lake the answer lacks."""
    if _is_lake(source.target):
        from streamlab.storage.lake import trends
        from streamlab.workflows.asked import asked

        with asked(*_asked(source)) as there:
            return trends.onsets(there.questions, rule), there.unreadable
    return trend.onsets(exchanges_of(source.target, source.db, source.progress.advance), rule), 0


def sightings(source: Questioned, wanted: Wanted, by: Sequence[By]) -> tuple[list[Sighting], int]:
    """When each rule was first seen in each group, and how many files of a lake the answer lacks."""
    if _is_lake(source.target):
        from streamlab.storage.lake import trends
        from streamlab.workflows.asked import asked

        with asked(*_asked(source)) as there:
            return trends.sightings(there.questions, by), there.unreadable
    if source.target is None:
        exchanges = judged_exchanges(existing_db(source.db), wanted, source.progress.advance, by)
    else:
        exchanges = exchanges_of(source.target, source.db, source.progress.advance, by)
    return trend.sightings(exchanges, by), 0


def _is_lake(target: str | None) -> bool:
    return target is not None and target.startswith(LAKE) and "#" not in target


def _asked(
    source: Questioned,
) -> tuple[str | None, Path | None, Callable[[str], object], Callable[[int], None], Callable[[int], None]]:
    return source.target, source.db, source.warn, source.progress.advance, source.progress.expect


def exchanges_of(
    target: str | None, db: Path | None, advance: Callable[[], None], by: Sequence[By] | None = None
) -> Iterator[JudgedExchange]:
    """The exchanges of a TARGET, oldest first; None is the database. Of model and version those are known that are in
    ``by``, or all. Raises UsageError, NotFoundError, UnreadableInputError."""
    if target is None or (Path(target).is_file() and target.endswith(".db")):
        path = Path(target) if target is not None else existing_db(db)
        yield from judged_exchanges(path, Wanted(), advance, by)
        return
    from streamlab.storage.targets import find  # what a database does without takes longer to load than one to answer

    every = (_judged(number, one, advance) for number, one in enumerate(find(target, db), 1))
    yield from sorted((one for one in every if one is not None), key=lambda one: (one.at or "", one.id))


def _judged(number: int, target: Target, advance: Callable[[], None]) -> JudgedExchange | None:
    with target.opened() as exchange:
        from streamlab.workflows.summary import summary_and_text

        summary, _ = summary_and_text(exchange)
        url = exchange.request.url if exchange.request is not None else None
        started, label = exchange.started_at, exchange.label
        version = trend.version_of(exchange.head.headers) if exchange.head is not None else None
    advance()
    if not summary.judged:
        return None
    at = target.id or target.number or number
    return JudgedExchange(at, started, url, summary.rules, summary.model, label, version)
