"""A lake as a list: which exchanges, in which order, and a page of rows, without a body being read.

DuckDB says which and in which order; rows are read from the row groups they lie in, which hold a few hundred each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.errors import NotFoundError, StreamlabError
from streamlab.exchange import Ending
from streamlab.storage.browsing import NOT_JUDGED, AnalysisSummary, ListRow
from streamlab.storage.filtering import Filter
from streamlab.storage.lake import files, rows
from streamlab.storage.lake.asking import LakeQuestions
from streamlab.storage.lake.findings import Unit, findings_of, is_judged, judged_files
from streamlab.storage.lake.list_fields import SORTS
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.rows import MOST, ExchangeOverview

if TYPE_CHECKING:
    import pyarrow

#: What a list needs of an exchange; no column holds a body.
_SHOWN = (
    "hash", "started_at", "label", "tap", "method", "url", "model", "status", "ending", "notes", "bytes", "lengths",
    "offsets_us", "head_us", "end_us",
)  # fmt: skip
#: What a list needs of what was said of one.
_SAID = ("hash", "api", "model", "dialect", "judged", "worst", "events", "ttft_us", "stalls")
_SPOKEN = ("hash", "rule", "severity", "counts")
#: What order and filter need.
_ASKED = (
    "hash", "started_at", "label", "tap", "url", "model", "recorder", "status", "ending", "bytes", "end_us", "server",
)  # fmt: skip
#: Row groups whose rows are held: those of a screen, of as many recorders.
_GROUPS_HELD = 64


class _Page(NamedTuple):
    """The rows of a row group, as Arrow holds them: a screen shows a few of them."""

    told: pyarrow.Table
    judged: pyarrow.Table | None
    spoken: pyarrow.Table | None


class LakeList:
    """The exchanges of the files of a lake. A number from 1 on stands for each, for as long as this lives.

    What rules of ``version`` have judged is known; nothing is judged here. May be asked by several threads.
    """

    def __init__(self, place: LakePlace, found: Sequence[files.LakeFile], version: str) -> None:
        self._place, self._files = place, list(found)
        self._units = [
            Unit(place, version, file.name, group, count)
            for file in self._files
            for group, count in enumerate(file.groups)
        ]
        self._ends = list(accumulate(unit.rows for unit in self._units))
        # Each is looked into only where one turns out to be torn: there are as many as row groups.
        there = set(place.names(findings_of(version)))
        self._judged = [is_judged(unit, there) for unit in self._units]
        self._version = version
        self._page = lru_cache(_GROUPS_HELD)(self._read_page)

    @property
    def total(self) -> int:
        """How many exchanges there are."""
        return self._ends[-1] if self._ends else 0

    @property
    def waiting(self) -> int:
        """How many exchanges these rules have not judged."""
        return sum(unit.rows for unit, judged in zip(self._units, self._judged, strict=True) if not judged)

    def ids(self, wanted: Filter, sort: str = "newest", limit: int | None = None) -> array[int]:
        """The numbers of those that a filter (of `FIELDS`) lets through, in an order of `SORTS`; the first ``limit``.
        Raises CouldNotRunError, UsageError where a file was damaged since it was looked at."""
        try:
            return self._ids(wanted, sort, limit)
        except StreamlabError:
            there = judged_files(self._place, self._version)
            self._judged = [is_judged(unit, there) for unit in self._units]
            return self._ids(wanted, sort, limit)

    def _ids(self, wanted: Filter, sort: str, limit: int | None) -> array[int]:
        order = f"WHERE {wanted.where} ORDER BY {SORTS[sort]}" + (f" LIMIT {limit}" if limit is not None else "")
        join = "LEFT JOIN judged s ON s.hash = e.hash" if "s." in order else ""
        sql = f"SELECT e.id FROM exchanges e {join} {order}"
        judged = [unit for unit, known in zip(self._units, self._judged, strict=True) if known]
        with LakeQuestions() as questions:
            starts = [0, *accumulate(sum(file.groups) for file in self._files)][:-1]
            questions.numbered("exchanges", self._place, [one.name for one in self._files], starts, _ASKED)
            for view in ("judged", "findings"):
                if view in sql:  # each is thousands of files
                    questions.files(view, self._place, [unit.name(view) for unit in judged])
            return questions.ask_numbers(sql, wanted.parameters)

    def rows(self, ids: Sequence[int]) -> dict[int, ListRow]:
        """The list's rows of these exchanges; one that cannot be read is missing."""
        wanted: dict[int, list[tuple[int, int]]] = {}
        for number in ids:
            unit, at = self._located(number)
            wanted.setdefault(unit, []).append((number, at))
        found: dict[int, ListRow] = {}
        for unit, some in wanted.items():
            with suppress(StreamlabError):
                found |= _rows(self._page(unit), some)
        return {number: found[number] for number in ids if number in found}

    def row(self, number: int) -> files.LakeRow:
        """Where an exchange lies. Raises NotFoundError, UnreadableInputError."""
        if not 1 <= number <= self.total:
            raise NotFoundError(f"exchange {number} is not in the lake")
        at_unit, at = self._located(number)
        unit = self._units[at_unit]
        name = files.read(self._place, unit.file, unit.group, ["hash"]).column("hash")[at].as_py()
        return files.LakeRow(self._place, unit.file, unit.group, at, name)

    def _located(self, number: int) -> tuple[int, int]:
        unit = bisect_right(self._ends, number - 1)
        return unit, number - 1 - (self._ends[unit - 1] if unit else 0)

    def _read_page(self, at: int) -> _Page:
        unit = self._units[at]
        told = files.read(self._place, unit.file, unit.group, _SHOWN)
        judged = spoken = None
        if self._judged[at]:
            with suppress(StreamlabError):  # what was said of them is torn: it is made again when they are judged
                judged = files.read(self._place, unit.name("judged"), columns=_SAID)
                spoken = files.read(self._place, unit.name("findings"), columns=_SPOKEN)
                spoken = spoken.filter(spoken.column("counts"))
        return _Page(told, judged, spoken)


def _rows(page: _Page, some: Sequence[tuple[int, int]]) -> dict[int, ListRow]:
    """The rows of a row group that are called so and lie there."""
    there = [(number, at) for number, at in some if at < page.told.num_rows]
    told = page.told.take([at for _, at in there]).to_pylist()
    names = [one["hash"] for one in told]
    judged = {one["hash"]: one for one in _of(page.judged, names)}
    spoken: dict[str, dict[str, str]] = {}
    for one in _of(page.spoken, names):
        spoken.setdefault(one["hash"], {})[one["rule"]] = one["severity"]
    return {
        number: ListRow(_overview(number, one), _summary(judged.get(one["hash"]), spoken.get(one["hash"], {})), 0)
        for (number, _), one in zip(there, told, strict=True)
    }


def _of(found: pyarrow.Table | None, names: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows that are about these exchanges."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if found is None:
        return []
    about: list[Mapping[str, Any]] = found.filter(pc.is_in(found.column("hash"), pa.array(names))).to_pylist()
    return about


def _overview(number: int, row: Mapping[str, Any]) -> ExchangeOverview:
    notes = rows.notes_of(row["notes"])
    reason = notes.get("ending_reason")
    offsets = row["offsets_us"] or ()
    return ExchangeOverview(
        id=number,
        started_at=row["started_at"],
        label=row["label"],
        tap=row["tap"],
        method=row["method"],
        url=row["url"],
        model=row["model"],
        status=_natural(row["status"]),
        ending=Ending(row["ending"]) if row["ending"] in set(Ending) else Ending.INTERRUPTED,
        ending_reason=reason if isinstance(reason, str) else None,
        in_progress=False,
        bytes=_natural(row["bytes"]) or 0,
        segments=len(row["lengths"] or ()),
        head_us=_natural(row["head_us"]),
        first_us=_natural(offsets[0]) if offsets else None,
        end_us=_natural(row["end_us"]),
    )


def _natural(value: int | None) -> int | None:
    return value if value is not None and 0 <= value < MOST else None


def _summary(found: Mapping[str, Any] | None, spoken: dict[str, str]) -> AnalysisSummary | None:
    if found is None:
        return None
    worst = found["worst"] or (None if found["judged"] else NOT_JUDGED)
    return AnalysisSummary(
        found["api"], found["model"], found["dialect"], found["events"] or 0, found["ttft_us"], found["stalls"], worst,
        spoken, b"",
    )  # fmt: skip
