"""First sightings, shares and beginnings of rules, for people and for machines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from streamlab.judging.trend import By, JudgedExchange, Onset, Share, Sighting
from streamlab.report.markdown_cell import cell
from streamlab.report.plain_table import plain_table
from streamlab.report.styles import STYLES
from streamlab.rules.severity import Severity
from streamlab.wire.visible import visible


def table(seen: Sequence[Sighting], by: Sequence[By]) -> Table:
    """A row for each rule of each group."""
    shown = plain_table()
    for name in ("first seen", "exchange", *map(_title, by), "rule", "severity", "after", "in", "last seen"):
        shown.add_column(name, justify="right" if name in ("exchange", "after", "in") else "left")
    for one in seen:
        severity = Severity(one.severity) if one.severity in list(Severity) else None
        shown.add_row(
            Text(_moment(one.first_at)),
            Text(_short(one.first_id)),
            *(Text(visible(part, 60)) for part in one.group),
            Text(one.rule),
            Text(visible(one.severity, 10), style=STYLES[severity] if severity is not None else ""),
            Text(f"{one.before} without"),
            Text(f"{one.count} of {one.total}"),
            Text(f"{_moment(one.last_at)} ({_short(one.last_id)})"),
        )
    return shown


def _title(by: By) -> str:
    return "upstream" if by is By.SERVER else str(by)


def _short(name: int | str) -> str:
    """A number, or as much of a hash as names it."""
    return str(name)[:12]


def _moment(at: str | None) -> str:
    return (at or "–")[:19].replace("T", " ")


def as_json(seen: Sequence[Sighting], by: Sequence[By]) -> list[dict[str, Any]]:
    """The same for machines: the groups are members by their own names, a server as "upstream" too."""
    found = []
    for one in seen:
        told = asdict(one)
        groups = dict(zip(map(str, by), told.pop("group"), strict=True))
        found.append({**groups, **({"upstream": groups["server"]} if By.SERVER in by else {}), **told})
    return found


# -- shares by group -------------------------------------------------------------------------------------------------


def shares_table(found: Sequence[Share], by: Sequence[By]) -> Table:
    """A row for each rule of each group."""
    shown = plain_table()
    for name in (*by, "rule", "severity", "in", "share"):
        shown.add_column(str(name), justify="right" if name in ("in", "share") else "left")
    for one in found:
        severity = Severity(one.severity) if one.severity in list(Severity) else None
        shown.add_row(
            *(Text(visible(part, 60)) for part in one.group),
            Text(one.rule),
            Text(visible(one.severity, 10), style=STYLES[severity] if severity is not None else ""),
            Text(f"{one.count} of {one.total}"),
            Text(_percent(one)),
        )
    return shown


def shares_json(found: Sequence[Share], by: Sequence[By]) -> list[dict[str, Any]]:
    """The same for machines: the groups are members by their own names."""
    return [
        {**dict(zip(map(str, by), one.group, strict=True)), **{name: getattr(one, name) for name in _COUNTED}}
        for one in found
    ]


_COUNTED = ("rule", "severity", "count", "total")


def shares_csv(found: Sequence[Share], by: Sequence[By]) -> str:
    """The same as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*by, *_COUNTED])
    writer.writerows([*map(plain, one.group), one.rule, one.severity, one.count, one.total] for one in found)
    return text.getvalue()


def plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    shown = visible(text, 200)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown


def shares_markdown(found: Sequence[Share], by: Sequence[By]) -> str:
    """The same as a table to paste."""
    lines = [f"| {' | '.join((*by, 'rule', 'severity', 'in', 'share'))} |", f"|{'---|' * (len(by) + 4)}"]
    for one in found:
        cells = [cell(part, 60) for part in one.group]
        cells += [f"`{one.rule}`", one.severity, f"{one.count} of {one.total}", _percent(one)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(one: Share) -> str:
    return f"{one.count / one.total:.1%}"


# -- where a rule began ----------------------------------------------------------------------------------------------


def onset_lines(found: Sequence[Onset], rule: str) -> Iterator[Text]:
    """Two lines for each upstream."""
    for one in found:
        yield Text(f"{visible(one.upstream, 80)}", style="bold")
        before = "it spoke from the first recording on" if one.before is None else f"not in {_exchange(one.before)}"
        yield Text(f"  {before}")
        yield Text(f"  {rule} first in {_exchange(one.first)}, and in {one.since} of {one.after} from then on")


def _exchange(one: JudgedExchange) -> str:
    more = "".join(
        f", {word} {visible(value, 60)}" for word, value in (("model", one.model), ("label", one.label)) if value
    )
    return f"exchange {_short(one.id)} ({_moment(one.at)}{more})"


def onsets_json(found: Sequence[Onset]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [
        {
            **asdict(one),
            "before": one.before._asdict() if one.before is not None else None,
            "first": one.first._asdict(),
        }
        for one in found
    ]
