"""LakeQuestions about many exchanges put to DuckDB, the same of a lake and of anything else that holds exchanges."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from streamlab.errors import UsageError
from streamlab.exchange import Exchange
from streamlab.record import changed
from streamlab.sharing.shared import share
from streamlab.sharing.wanted import Masking
from streamlab.storage.lake import findings, rows
from streamlab.storage.lake.asking import VIEWS, LakeQuestions, QueryAnswer, write_parquet
from streamlab.storage.lake.list_fields import FIELDS
from streamlab.storage.lake.place import SCHEME, need_fleet
from streamlab.storage.location import existing_db
from streamlab.storage.recorders import recorder_of, told_recorder
from streamlab.storage.targets import Target, find
from streamlab.workflows.check import CheckOptions, check
from streamlab.workflows.fleet import Engine, Lake, LocalEngine, Warn, place_of
from streamlab.workflows.share import masking_of
from streamlab.workflows.summarize import Wanted


class OpenQuestions:
    """What was opened to be asked; ``unreadable`` counts what the answer lacks."""

    def __init__(self, questions: LakeQuestions, unreadable: int) -> None:
        self.questions, self.unreadable = questions, unreadable


@contextlib.contextmanager
def asked(
    target: str | None,
    db: Path | None,
    warn: Warn,
    advance: Callable[[int], None],
    total: Callable[[int], None] = lambda _: None,
    engine: Engine | None = None,
) -> Iterator[OpenQuestions]:
    """A TARGET, or the database, ready to be asked; what was never judged by these rules is judged first."""
    of_lake = target is not None and target.startswith(SCHEME) and "#" not in target
    need_fleet("a lake" if of_lake else "sql")
    with LakeQuestions() as questions:
        if target is not None and of_lake:
            lake = Lake(place_of(target), warn)
            lake.judge(engine or LocalEngine(), warn, advance, total)
            for view in VIEWS:
                questions.files(view, lake.place, lake.names(view))
            yield OpenQuestions(questions, lake.unreadable)
            return
        unreadable = _fill(questions, target if target is not None else str(existing_db(db)), db, warn, advance)
        yield OpenQuestions(questions, unreadable)


#: What a list of a lake tells of each exchange.
_LISTED = """
    SELECT e.hash, e.started_at, e.recorder, coalesce(s.model, e.model) AS model, e.status, e.ending, s.events, s.worst
    FROM exchanges e LEFT JOIN judged s USING (hash) WHERE {where}
    ORDER BY e.started_at DESC NULLS LAST, e.hash LIMIT ?"""


def listed(
    target: str, wanted: Wanted, limit: int, warn: Warn, advance: Callable[[int], None], total: Callable[[int], None]
) -> tuple[QueryAnswer, int]:
    """The newest exchanges of a lake that fit, oldest first, and how many of its files the answer lacks.
    Raises UsageError where a lake does not have what is asked for."""
    need_fleet()
    chosen = wanted.filter(FIELDS._replace(numbers={key: one for key, one in FIELDS.numbers.items() if key != "id"}))
    if chosen.problems:
        raise UsageError(f"--filter: {chosen.problems[0]}")
    with asked(target, None, warn, advance, total) as there:
        found = there.questions.ask(_LISTED.format(where=chosen.where), [*chosen.parameters, limit])
    return found._replace(rows=found.rows[::-1]), there.unreadable


def _fill(questions: LakeQuestions, target: str, db: Path | None, warn: Warn, advance: Callable[[int], None]) -> int:
    """Rows of exchanges that lie elsewhere, without their bodies. In a database the hash is the exchange's number."""
    exchanges: list[dict[str, Any]] = []
    judged: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    unreadable = 0
    masking = masking_of()
    for one in check(find(target, db), CheckOptions(masking=masking)):
        advance(1)
        if one.report is None:
            unreadable += 1
            warn(str(one.error))
            continue
        with one.target.opened() as exchange:
            name = str(one.target.id) if one.target.id is not None else one.target.source
            shown = _without_body(exchange, masking)
            row = rows.told_of(shown, name, _origin(shown, one.target))
        exchanges.append({**row, "bytes": one.report.metrics.bytes})
        told, of_exchange, of_findings = findings.rows_of(row, one.report, None)
        judged.append({**told, **of_exchange})
        said += [{**told, **finding} for finding in of_findings]
    for view, found in zip(VIEWS, (exchanges, judged, said), strict=True):
        questions.table(view, found)
    return unreadable


def _origin(exchange: Exchange, target: Target) -> rows.RecordedBy:
    """Who recorded it; of a database's own that is known, and of what was taken into it what its note says."""
    named = told_recorder(exchange.notes) or (recorder_of(target.path) if target.id is not None else "")
    return rows.RecordedBy(named, None, target.id)


def _without_body(exchange: Exchange, masking: Masking) -> Exchange:
    """Without what no column shows, and without known secrets."""
    return share(changed(exchange, segments=()), masking).exchange


def table_as_parquet(found: list[dict[str, Any]]) -> bytes:
    """Rows as a Parquet file. Raises CouldNotRunError without the extra."""
    need_fleet("--format parquet")
    columns = tuple(found[0]) if found else ()
    return write_parquet(QueryAnswer(columns, [tuple(one.values()) for one in found]))


def as_parquet(answer: QueryAnswer) -> bytes:
    """The answer as a Parquet file."""
    return write_parquet(answer)
