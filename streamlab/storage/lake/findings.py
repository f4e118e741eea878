"""What the rules said of a lake, as Parquet beside the exchanges: a pair of files for each row group and version.

A row group is judged when its second file is there. Both have names that follow from what was judged, so whoever judges
it twice, at once or after a crash, writes the same files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from streamlab.errors import NotFoundError, UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyzer_of, report_by
from streamlab.judging.kept import packed
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.judging.trend import version_told
from streamlab.sharing.shown import report_without_secrets
from streamlab.sharing.wanted import ALL_KNOWN
from streamlab.storage.lake import rows
from streamlab.storage.lake.columns import OF_EXCHANGE, schemas
from streamlab.storage.lake.files import LakeFile, listed, read
from streamlab.storage.lake.layout import parquet
from streamlab.storage.lake.place import FINDINGS, SCHEME, LakePlace, partition


def findings_of(version: str) -> str:
    """The folder of what the rules of a version said."""
    return f"{FINDINGS}/rules={partition(version)}"


class Unit(NamedTuple):
    """A row group to judge; picklable."""

    place: LakePlace
    version: str
    file: str
    group: int
    rows: int

    def name(self, kind: str) -> str:
        """The file of what was said of it: ``findings`` or ``judged``."""
        stem = self.file.rpartition("/")[2].removesuffix(".parquet")
        return f"{findings_of(self.version)}/{kind}/{stem}-{self.group}.parquet"


class Judged(NamedTuple):
    """What judging a unit came to; ``error`` where it could not be read."""

    unit: Unit
    exchanges: int
    findings: int
    error: str | None = None


def units(place: LakePlace, version: str, files: list[LakeFile]) -> Iterator[Unit]:
    """Every row group of files."""
    for file in files:
        for group, count in enumerate(file.groups):
            yield Unit(place, version, file.name, group, count)


def judged_files(place: LakePlace, version: str) -> set[str]:
    """The files of this version that are there and whole."""
    return {one.name for one in listed(place, findings_of(version)) if isinstance(one, LakeFile)}


def is_judged(unit: Unit, there: set[str]) -> bool:
    """Whether both of its files are."""
    return unit.name("judged") in there and unit.name("findings") in there


def judge(units: list[Unit]) -> list[Judged]:
    """Judge row groups and write what was said. Raises CouldNotRunError where nothing can be written."""
    return [_judge(unit) for unit in units]


def _judge(unit: Unit) -> Judged:
    try:
        found = read(unit.place, unit.file, unit.group).to_pylist()
    except (UnreadableInputError, NotFoundError) as error:
        return Judged(unit, 0, 0, str(error))  # torn, or deleted since it was listed
    said: list[dict[str, Any]] = []
    judged = []
    for row in found:
        place = f"{SCHEME}{unit.place.address}#{row['hash'][:16]}"
        try:
            exchange = rows.exchange_of(row, place)
        except UnreadableInputError as error:
            judged.append({**_of_exchange(row), "error": rows.damaged(error), "judged": False})
            continue
        report, model = _analyzed(exchange)
        if not row.get("redacted"):
            report = report_without_secrets(exchange, report, ALL_KNOWN, lambda shown: _analyzed(shown)[0])
        told, of_exchange, of_findings = rows_of(row, report, model)
        judged.append({**told, **of_exchange, "report": packed(report)})
        said += [{**told, **one} for one in of_findings]
    judging, finding = schemas()
    unit.place.write(unit.name("findings"), parquet(said, finding))
    unit.place.write(unit.name("judged"), parquet(judged, judging))
    return Judged(unit, len(judged), len(said))


def _analyzed(exchange: Exchange) -> tuple[Report, str | None]:
    analyzer = analyzer_of(exchange)
    report = report_by(analyzer, exchange)
    model = analyzer.ctx.accumulator.model
    return report, _whole(model) if isinstance(model, str) else None


def rows_of(
    row: Mapping[str, Any], report: Report, model: str | None
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """What both kinds of files say of an exchange, what is said of it as a whole, and its findings."""
    told = {**_of_exchange(row), "model": model or row["model"]}
    ended = {name: row[name] for name in ("status", "ending", "notes")}
    return told, {**_row_of(report), **ended}, list(_findings(report))


def _of_exchange(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: row.get(name) for name in OF_EXCHANGE}, "version": version_told(row["response_headers"])}


def _row_of(report: Report) -> dict[str, Any]:
    metrics = report.metrics
    return {
        "api": report.api.name,
        "dialect": report.dialect,
        "judged": report.judged,
        "why": report.why,
        "worst": str(report.worst) if report.worst is not None else None,
        "findings": len(report.findings),
        "events": metrics.events,
        "bytes": metrics.bytes,
        "ttft_us": metrics.ttft_us,
        "duration_us": metrics.duration_us,
        "stalls": metrics.stalls,
    }


def _findings(report: Report) -> Iterator[dict[str, Any]]:
    """A row a finding; of those of one rule, one counts the exchange: the one whose severity lists show."""
    ranked = list(worst_first(report.findings))
    counts = {one.rule: at for at, one in enumerate(ranked)}
    for at, one in enumerate(ranked):
        yield {
            "rule": one.rule,
            "severity": str(one.severity),
            "counts": counts[one.rule] == at,
            "message": _whole(one.message),
            "event": one.event,
            "path": _whole(one.path) if one.path is not None else None,
            "offset_us": one.offset_us,
            "count": one.count,
            "known": one.known,
        }


def _whole(text: str) -> str:
    """A text without halves of characters, which a column of text does not hold."""
    return text.encode("utf-8", "replace").decode()
