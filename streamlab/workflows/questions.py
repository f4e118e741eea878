"""Questions over many exchanges: a database answers from what is kept of its analyses, a folder is analyzed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from streamlab.judging.trend import JudgedExchange
from streamlab.storage.location import existing_db
from streamlab.storage.targets import Target, find
from streamlab.workflows.summarize import Wanted, judged_exchanges, summary_and_text


def exchanges_of(target: str | None, db: Path | None, advance: Callable[[], None]) -> Iterator[JudgedExchange]:
    """The exchanges of a TARGET, oldest first; None is the database. Raises UsageError, NotFoundError,
    UnreadableInputError."""
    if target is None or (Path(target).is_file() and target.endswith(".db")):
        yield from judged_exchanges(Path(target) if target is not None else existing_db(db), Wanted(), advance)
        return
    judged = [_judged(number, one, advance) for number, one in enumerate(find(target, db), 1)]
    yield from sorted(judged, key=lambda one: (one.at or "", one.id))


def _judged(number: int, target: Target, advance: Callable[[], None]) -> JudgedExchange:
    with target.opened() as exchange:
        summary, _ = summary_and_text(exchange)
        url = exchange.request.url if exchange.request is not None else None
        started, label = exchange.started_at, exchange.label
    advance()
    at = target.id or target.number or number
    return JudgedExchange(at, started, url, summary.rules, summary.model, label)
