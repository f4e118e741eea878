"""What the workbench asks of a capture: pages of the list, pieces of a body, marks, notes, summaries.

Every question is answered in a few milliseconds however large the capture is; what cannot be (`ids` of a filter) is
made for a thread of its own: each `Browser` has a connection of its own, and reads while recorders write.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.filtering import ASKED_MODEL, SORTS, Filter
from streamlab.storage.opening import clear_errors
from streamlab.storage.rows import ExchangeOverview

if TYPE_CHECKING:
    from streamlab.exchange import Exchange

_ALL = Filter()
#: Different sets of rules that are held while exchanges are counted.
_MOST_KNOWN = 10_000


#: What stands in place of the worst severity where nothing was judged and nothing found.
NOT_JUDGED = "not-judged"


class ListRow(NamedTuple):
    """One exchange of the list; ``summary`` is None until it was analyzed, ``marks`` how many marks it has."""

    overview: ExchangeOverview
    summary: AnalysisSummary | None
    marks: int


class AnalysisSummary(NamedTuple):
    """What an analysis came to. ``rules`` maps a rule to its severity; ``gaps`` are levels 0 to 8, for drawing."""

    api: str | None
    model: str | None
    dialect: str | None
    events: int
    ttft_us: int | None
    stalls: int | None
    worst: str | None
    rules: dict[str, str]
    gaps: bytes

    @property
    def judged(self) -> bool:
        """Whether rules ran over an answer, or something was found all the same."""
        return self.worst != NOT_JUDGED


class BodyPiece(NamedTuple):
    """One segment: arrival, HTTP chunk number (None: not chunked or unknown) and bytes."""

    offset_us: int | None
    chunk: int | None
    data: bytes


class Browser:
    """A capture, open for browsing. Raises what `CaptureDB` raises. ``write`` also lets it mark, note and delete."""

    def __init__(self, path: str | Path, *, write: bool = False) -> None:
        self.path = Path(path)
        self.db = CaptureDB(path, write=write)
        # Pages are looked at once; the system keeps the file in memory anyway.
        self.db.connection.execute("PRAGMA cache_size = -512")

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def data_version(self) -> int:
        """A number that changes whenever somebody else has written."""
        return int(self.db.query("PRAGMA data_version")[0][0])

    # -- the list

    def ids(self, wanted: Filter = _ALL, sort: str = "newest", after: int = 0) -> array[int]:
        """Ids above ``after`` that a filter lets through, in the order of a sort key of `SORTS`."""
        joined = "" if wanted.where == "1" and sort == "newest" else "LEFT JOIN summaries s ON s.exchange_id = e.id"
        sql = f"SELECT e.id FROM exchanges e {joined} WHERE e.id > ? AND {wanted.where} ORDER BY {SORTS[sort]}"
        with clear_errors(self.path):
            return array("q", (row[0] for row in self.db.connection.execute(sql, (after, *wanted.parameters))))

    def rows(self, ids: Sequence[int]) -> dict[int, ListRow]:
        """The list's rows of these exchanges; one that is gone is missing."""
        marks_wanted = ",".join("?" * len(ids))
        overviews = self.db.overviews(ids)
        summaries = self.db.query(f"SELECT * FROM summaries WHERE exchange_id IN ({marks_wanted})", tuple(ids))
        known = {row["exchange_id"]: _summary(row) for row in summaries}
        counted = self.db.query(
            f"SELECT exchange_id, count(*) FROM marks WHERE exchange_id IN ({marks_wanted}) GROUP BY 1", tuple(ids)
        )
        marks = {row[0]: int(row[1]) for row in counted}
        return {one.id: ListRow(one, known.get(one.id), marks.get(one.id, 0)) for one in overviews}

    def not_summarized(self, version: str, limit: int) -> list[int]:
        """Ids of finished exchanges that were never analyzed, or by another version; newest first. ``version`` is a
        release, or exactly one version of the rules, whose name begins with its release and a hyphen."""
        # What was summarized is left out before rows are looked at, which are long.
        sql = """SELECT id FROM exchanges WHERE id IN (
                SELECT id FROM exchanges EXCEPT SELECT exchange_id FROM summaries WHERE version = ? OR version GLOB ?)
            AND ending IS NOT NULL ORDER BY id DESC LIMIT ?"""
        return [row[0] for row in self.db.query(sql, (version, f"{version}-*", limit))]

    def alike_together(self, ids: Collection[int]) -> list[int]:
        """These ids, those of exchanges whose bodies are as long and took as long one after the other; the longest
        first."""
        wanted = set(ids)
        rows = self.db.query("SELECT id FROM exchanges ORDER BY body_bytes DESC, end_us, id")
        return [row[0] for row in rows if row[0] in wanted]

    def judged(self, wanted: Filter = _ALL, *, models: bool = True, headers: bool = False) -> Iterator[tuple[Any, ...]]:
        """Of each exchange that a filter lets through, oldest first: id, start, URL, rules, model, label, headers of
        the answer as JSON, and whether it was judged or found to be wrong all the same, as far as that is kept. Models,
        which may be in requests alone, and headers are None unless they are asked for: they cost as much as the rest.
        """
        model = f"coalesce(s.model, {ASKED_MODEL})" if models else "NULL"
        head = "e.response_headers" if headers else "NULL"
        sql = f"""SELECT e.id, e.started_at, e.url, s.rules, {model}, e.label, {head}, s.worst
            FROM exchanges e LEFT JOIN summaries s ON s.exchange_id = e.id WHERE {wanted.where} ORDER BY e.id"""
        known: dict[object, dict[str, str]] = {}
        with clear_errors(self.path):
            cursor = self.db.connection.cursor()
            cursor.row_factory = None
            for number, at, url, rules, model, label, head, worst in cursor.execute(sql, wanted.parameters):
                said = known.get(rules)  # most say what others say
                if said is None:
                    said = known.setdefault(rules, _rules(rules)) if len(known) < _MOST_KNOWN else _rules(rules)
                yield number, _text(at), _text(url), said, _text(model), _text(label), head, worst != NOT_JUDGED

    def neighbour(self, exchange_id: int, step: int) -> int | None:
        """The exchange recorded next (``step`` 1) or before (-1); None at the end."""
        what = "min(id) FROM exchanges WHERE id >" if step > 0 else "max(id) FROM exchanges WHERE id <"
        ((found,),) = self.db.query(f"SELECT {what} ?", (exchange_id,))
        return None if found is None else int(found)

    # -- one exchange

    def exchange(self, exchange_id: int) -> Exchange:
        """The exchange, its segments read on demand. Raises NotFoundError."""
        return self.db.get(exchange_id)

    def pieces(self, exchange_id: int, start: int, count: int) -> list[BodyPiece]:
        """Segments ``start`` to ``start + count`` of its body."""
        return [BodyPiece(*one[1:]) for one in self.db.stored_between(exchange_id, start, start + count)]

    # -- marks and notes

    def marks(self, exchange_id: int) -> dict[int, str]:
        """Marked events and their notes; -1 stands for the exchange itself."""
        rows = self.db.query("SELECT event, note FROM marks WHERE exchange_id = ?", (exchange_id,))
        return {int(event): str(note) for event, note in rows}

    def set_mark(self, exchange_id: int, event: int, note: str | None) -> None:
        """Mark an event with a note (which may be empty); None takes the mark away."""
        with self.db.writing():
            if note is None:
                self.db.connection.execute(
                    "DELETE FROM marks WHERE exchange_id = ? AND event = ?", (exchange_id, event)
                )
            else:
                self.db.connection.execute(
                    "INSERT OR REPLACE INTO marks (exchange_id, event, note) VALUES (?, ?, ?)",
                    (exchange_id, event, note),
                )

    # -- summaries

    def save(self, version: str, found: Sequence[tuple[int, AnalysisSummary, str]]) -> None:
        """Keep what analyses came to, and the text to search in."""
        said = [(number, version, *one[:7], json.dumps(one.rules), one.gaps) for number, one, _ in found]
        with self.db.writing():
            write = self.db.connection.executemany
            write("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", said)
            write("DELETE FROM contents WHERE rowid = ?", [(number,) for number, *_ in found])
            write("INSERT INTO contents (rowid, content) VALUES (?, ?)", [(number, text) for number, _, text in found])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _rules(value: Any) -> dict[str, str]:
    try:
        rules = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return {}
    return rules if isinstance(rules, dict) else {}


def _summary(row: sqlite3.Row) -> AnalysisSummary:
    return AnalysisSummary(
        row["api"],
        row["model"],
        row["dialect"],
        row["events"] or 0,
        row["ttft_us"],
        row["stalls"],
        row["worst"],
        _rules(row["rules"]),
        row["gaps"] or b"",
    )
