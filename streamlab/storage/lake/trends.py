"""How often rules spoke in a lake, when first and where one began: what `judging.trend` counts, asked of DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from streamlab.judging.trend import By, JudgedExchange, Onset, Share, Sighting
from streamlab.storage.lake.asking import LakeQuestions

#: Exchanges that count: not a list of models, say, over which no rule ran.
_JUDGED = "error IS NULL AND (judged OR findings > 0)"
#: In the order in which they were recorded, as far as the recorders' clocks agree.
_ORDER = "coalesce(started_at, ''), hash"


def _groups(by: Sequence[By]) -> str:
    return ", ".join(f"coalesce(nullif({part}, ''), 'unknown') AS {part}" for part in by)


def _where(names: Sequence[str] | None) -> str:
    """Exchanges that were judged, and of findings those of the rules whose names these are."""
    return "counts" if names is None else f"counts AND rule IN ({', '.join('?' * len(names))})"


def _rules(questions: LakeQuestions, wanted: Sequence[str]) -> list[str]:
    found = questions.ask("SELECT DISTINCT rule FROM findings").rows
    return [rule for (rule,) in found if any(fnmatchcase(rule, pattern) for pattern in wanted)]


def shares(questions: LakeQuestions, by: Sequence[By], wanted: Sequence[str] = ("*",)) -> list[Share]:
    """See `judging.trend.shares`."""
    rules, groups, names = _rules(questions, wanted), _groups(by), ", ".join(by)
    if not rules:
        return []
    totals = {row[:-1]: row[-1] for row in questions.ask(_totals(by)).rows}
    query = f"""
        SELECT {names}, rule, count(*), max(moment), arg_max(severity, moment)
        FROM (SELECT {groups}, rule, severity, coalesce(started_at, '') AS moment FROM findings WHERE {_where(rules)})
        GROUP BY ALL"""
    counted = questions.ask(query, rules).rows
    # What a rule said last, of whichever group.
    severities = {row[len(by)]: row[-1] for row in sorted(counted, key=lambda row: row[-2])}
    found = []
    for *group, rule, count, _, _ in counted:
        found.append(Share(tuple(group), rule, severities[rule], count, totals.get(tuple(group), count)))
    return sorted(found, key=lambda one: (one.group, -one.count, one.rule))


def _totals(by: Sequence[By]) -> str:
    return f"SELECT {', '.join(by)}, count(*) FROM (SELECT {_groups(by)} FROM judged WHERE {_JUDGED}) GROUP BY ALL"


def sightings(questions: LakeQuestions, by: Sequence[By] = (By.SERVER,)) -> list[Sighting]:
    """See `judging.trend.sightings`."""
    names, groups = ", ".join(by), _groups(by)
    same = " AND ".join(f"j.{part} = f.{part}" for part in by)
    query = f"""
        WITH spoken AS (SELECT {groups}, rule, severity, hash, coalesce(started_at, '') AS moment
                        FROM findings WHERE counts),
        numbered AS (SELECT {groups}, hash, row_number() OVER (PARTITION BY {names} ORDER BY {_ORDER}) - 1 AS earlier,
                            count(*) OVER (PARTITION BY {names}) AS total
                     FROM judged WHERE {_JUDGED}),
        seen AS (SELECT {names}, rule, count(*) AS times, min((moment, hash, severity)) AS earliest,
                        max((moment, hash)) AS latest FROM spoken GROUP BY ALL)
        SELECT {", ".join(f"f.{part}" for part in by)}, f.rule, f.earliest, f.latest, f.times, j.earlier, j.total
        FROM seen f JOIN numbered j ON j.hash = f.earliest[2] AND {same}"""
    found = []
    for row in questions.ask(query).rows:
        rule, first, last, count, before, total = row[len(by) :]
        (first_at, first_id, severity), (last_at, last_id) = first, last
        first_and_last = first_id, first_at or None, last_id, last_at or None
        found.append(Sighting(row[: len(by)], rule, severity, *first_and_last, count, before, total))
    newest = sorted(found, key=lambda one: (one.rule, one.group))
    return sorted(newest, key=lambda one: (one.first_at or "", str(one.first_id)), reverse=True)


def onsets(questions: LakeQuestions, rule: str) -> list[Onset]:
    """See `judging.trend.onsets`."""
    query = f"""
        WITH every AS (
            SELECT j.*, coalesce(j.started_at, '') AS moment, f.severity IS NOT NULL AS speaks, f.severity AS severity
            FROM (SELECT * FROM judged WHERE {_JUDGED}) j
                 LEFT JOIN (SELECT hash, severity FROM findings WHERE counts AND rule = $1) f USING (hash)),
        began AS (SELECT server, min((moment, hash)) AS place FROM every WHERE speaks GROUP BY server),
        earlier AS (SELECT a.server, max((a.moment, a.hash)) AS place FROM every a JOIN began f
                   ON a.server = f.server AND (a.moment, a.hash) < f.place GROUP BY a.server),
        later AS (SELECT a.server, count(*) FILTER (speaks) AS since, count(*) AS upto FROM every a JOIN began f
                  ON a.server = f.server AND (a.moment, a.hash) >= f.place GROUP BY a.server)
        SELECT f.server, f.place[2], b.place[2], n.since, n.upto
        FROM began f LEFT JOIN earlier b USING (server) JOIN later n USING (server) ORDER BY f.place"""
    rows = list(questions.ask(query, [rule]).rows)
    known = _exchanges(questions, [name for row in rows for name in row[1:3] if name is not None])
    return [
        Onset(server, known.get(before) if before else None, known[first], since, after)
        for server, first, before, since, after in rows
    ]


def _exchanges(questions: LakeQuestions, names: list[str]) -> dict[str, JudgedExchange]:
    if not names:
        return {}
    marks = ", ".join("?" * len(names))
    spoken: dict[str, dict[str, str]] = {}
    for name, rule, severity in questions.ask(
        f"SELECT hash, rule, severity FROM findings WHERE counts AND hash IN ({marks}) ORDER BY ALL", names
    ).rows:
        spoken.setdefault(name, {})[rule] = severity
    found = questions.ask(
        f"SELECT hash, started_at, server, model, label, version FROM judged WHERE hash IN ({marks})", names
    ).rows
    return {
        name: JudgedExchange(name, at, server, spoken.get(name, {}), model, label, version)
        for name, at, server, model, label, version in found
    }
