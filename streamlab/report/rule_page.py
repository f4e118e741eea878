"""A rule explained: on a terminal, in JSON, and as the page below docs/rules/."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from streamlab.apis import api_named
from streamlab.apis.registry import all_rules, apis_of, family_of
from streamlab.clients.table import breaks, clients
from streamlab.dialects.registry import all_dialects
from streamlab.record import members
from streamlab.report.json import break_json
from streamlab.report.markdown_cell import without_tags
from streamlab.report.plain_table import plain_table
from streamlab.report.rule_text import explanation, title
from streamlab.report.styles import STYLES
from streamlab.rules.api import Scope
from streamlab.rules.base import Rule

#: Columns from which on the list of rules says how each is mended.
_WIDE = 100


def dialects_with(rule: str) -> list[str]:
    """Names of the dialects that list a rule as a known deviation."""
    return [dialect.name for dialect in all_dialects() if rule in dialect.deviations]


def mending(rule: type[Rule]) -> str:
    """What is promised of a rule's findings, in short."""
    return str(rule.repairability) if rule.of_some is None else f"{rule.of_some} for some, else {rule.repairability}"


def rules_table(width: int) -> Table:
    """All rules, by family. A name stays whole, to be searched for and copied; what has no room is in `rule NAME`."""
    table, wide = plain_table(), width >= _WIDE
    table.add_column("rule", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    if wide:
        table.add_column("mend", max_width=len("safe for some,"))
    table.add_column("what is wrong", overflow="fold")
    for rule in all_rules():
        severity = Text(str(rule.severity), style=STYLES[rule.severity])
        mend = [Text(mending(rule))] if wide else []
        table.add_row(Text(rule.name), severity, *mend, Text(title(rule)))
    return table


def rule_object(rule: type[Rule]) -> dict[str, Any]:
    """One rule as a JSON object."""
    return {
        "rule": rule.name,
        "family": family_of(rule),
        "severity": str(rule.severity),
        "title": title(rule),
        "apis": sorted(str(api) for api in apis_of(rule)),
        "source": members(rule.source),
        "repair": str(rule.repairability),
        "repair_of_some": str(rule.of_some) if rule.of_some is not None else None,
        "dialects": dialects_with(rule.name),
        "breaks": [break_json(one) for one in breaks(rule.name)],
        "explanation": explanation(rule),
    }


def rules_list() -> list[dict[str, Any]]:
    """All rules, each as a JSON object."""
    return [rule_object(rule) for rule in all_rules()]


def markdown(rule: type[Rule]) -> str:
    """The rule's page."""
    first, _, rest = explanation(rule).partition("\n")
    apis = "every API" if rule.apis is Scope.EVERY else ", ".join(sorted(str(api) for api in apis_of(rule)))
    lines = [
        f"# {rule.name}",
        "",
        f"**{rule.severity}** · mend: {mending(rule)} · {apis}",
        "",
        first,
        "",
        rest.strip(),
        "",
        *_who_breaks(rule),
        *_who_deviates(rule),
        "## Source",
        "",
        f"{rule.source}" + (f" ({rule.source.url})" if rule.source.url else ""),
        "",
    ]
    return without_tags("\n".join(lines))


def _who_breaks(rule: type[Rule]) -> list[str]:
    hurt = breaks(rule.name)
    if not hurt:
        return []
    several = len({one.api for one in hurt}) > 1
    rows = [
        f"| {clients()[one.client]._replace(version=one.version)}{f', {_spoken(one.api)}' * several} |"
        f" {one.how.replace('|', chr(92) + '|')} |"
        for one in hurt
    ]
    days = _listed({one.date for one in hurt if one.measured and one.version})
    months = _listed({one.date for one in hurt if one.measured and not one.version})
    notes = [f"Clients with a version were measured on {days}."] if days else []
    notes += [f"Clients without one were measured in {months}."] if months else []
    if not all(one.measured for one in hurt):
        notes.append("What is reported, by the source in brackets, was not measured.")
    return ["## Who breaks", "", " ".join(notes), "", "| client | what happens |", "|---|---|", *rows, ""]


def _listed(dates: Collection[str]) -> str:
    *others, last = sorted(dates) or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def _spoken(name: str) -> str:
    """What people call an API."""
    api = api_named(name)
    return api.title or api.name if api is not None else name


def _who_deviates(rule: type[Rule]) -> list[str]:
    names = dialects_with(rule.name)
    return ["## Who deviates", "", "Known of: " + ", ".join(names) + ".", ""] if names else []


def print_rule(console: Console, rule: type[Rule]) -> None:
    """The page on a terminal."""
    console.print(Markdown(markdown(rule)))
