"""``streamlab ls``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, groups_of, json_option

if TYPE_CHECKING:
    from streamlab.judging.trend import By
    from streamlab.workflows.summarize import Wanted


@click.command(
    epilog="""\b
Examples:
  streamlab ls
  streamlab ls --limit 5 --json
  streamlab ls --since 2d --rule 'tool-call-*' --model glm
  streamlab ls --filter 'ending:cut ttft:>500 -label:demo'
  streamlab ls --first-seen --since 2026-11-01
  streamlab ls --first-seen --by model,label --json
"""
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many.")
@click.option("--since", metavar="WHEN", help="Not older than 90m, 12h, 3d, or a date like 2026-11-01.")
@click.option(
    "--rule", "rules", multiple=True, metavar="RULE", help="Where this rule spoke (name or glob; repeatable)."
)
@click.option("--label", help="Whose label holds this.")
@click.option("--model", help="Whose model's name holds this.")
@click.option("--tap", help="Whose tap's name holds this.")
@click.option("--ending", help="That ended so (complete, upstream-cut, client-left, …).")
@click.option("--filter", "line", metavar="TERMS", default="", help="Terms as in the workbench: model:x status:>399 …")
@click.option("--first-seen", is_flag=True, help="When each rule was first seen at each upstream, the newest first.")
@click.option(
    "--by", metavar="WORDS", help="With --first-seen, instead of each upstream: model, server, label, day, with commas."
)
@db_option
@json_option
def command(
    limit: int,
    since: str | None,
    rules: tuple[str, ...],
    line: str,
    first_seen: bool,
    by: str | None,
    db: Path | None,
    as_json: bool,
    **fields: str | None,
) -> None:
    """List what was recorded, newest last; or when each rule was first seen."""
    from streamlab.storage.location import existing_db

    path = existing_db(db)
    terms = [(name, value) for name, value in fields.items() if value is not None]
    wanted = _wanted(line, [*terms, *(("rule", rule) for rule in rules)], since)
    if by is not None and not first_seen:
        raise click.UsageError("--by groups what --first-seen finds: give both (trend --by counts)")
    if first_seen:
        _print_first_seen(path, wanted, groups_of(by or "server"), as_json)
    else:
        _print_list(path, wanted, limit, as_json)


def _wanted(line: str, terms: list[tuple[str, str]], since: str | None) -> Wanted:
    """The filter that the options mean. Raises UsageError."""
    from datetime import datetime

    from streamlab.apis.registry import choose
    from streamlab.errors import UsageError
    from streamlab.workflows import summarize as summarizing

    moment = summarizing.since(since, datetime.now().astimezone()) if since is not None else None
    if since is not None and moment is None:
        raise UsageError(f"--since {since!r} is neither an age (90m, 12h, 3d) nor a date (2026-11-01)")
    for name, value in terms:
        if '"' in value or not value:
            raise UsageError(f"--{name} wants a value without quotes")
        if name == "rule":
            choose((value,))
    wanted = summarizing.Wanted(" ".join([line, *(f'{name}:"{value}"' for name, value in terms)]).strip(), moment)
    if problems := wanted.filter().problems:
        raise UsageError(f"--filter: {problems[0]}")
    return wanted


def _print_list(path: Path, wanted: Wanted, limit: int, as_json: bool) -> None:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import listing
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows import summarize as summarizing

    with ProgressLine() as progress:
        rows, total = summarizing.listed(path, wanted, limit, progress.advance)
    if as_json:
        say_json([listing.listed_json(one) for one in rows])
    elif not rows and wanted == summarizing.Wanted():
        complain(f"{path} is empty. `streamlab record --upstream URL` fills it.")
    elif not rows:
        complain(f"{path}: nothing fits.")
    else:
        listing.print_list(data(), rows)
        if total > len(rows):
            complain(f"… the newest {len(rows)} of {total:,}; --limit shows more")


def _print_first_seen(path: Path, wanted: Wanted, by: list[By], as_json: bool) -> None:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import trend
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows import summarize as summarizing

    with ProgressLine() as progress:
        seen = summarizing.first_seen(path, wanted, by, progress.advance)
    if as_json:
        say_json(trend.as_json(seen, by))
    elif seen:
        data().print(trend.table(seen, by))
    else:
        complain(f"{path}: no rule spoke.")
