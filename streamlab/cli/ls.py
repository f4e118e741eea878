"""``streamlab ls``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, groups_of, json_option, warn

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
  streamlab ls lake:captures/lake --rule 'tool-call-*' --since 7d
  streamlab ls lake:captures/lake --first-seen --by model
"""
)
@click.argument("target", required=False)
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
    "--by",
    metavar="WORDS",
    help="With --first-seen, instead of each upstream: model, server, version, label, day, with commas.",
)
@db_option
@json_option
def command(
    target: str | None,
    limit: int,
    since: str | None,
    rules: tuple[str, ...],
    line: str,
    first_seen: bool,
    by: str | None,
    db: Path | None,
    as_json: bool,
    **fields: str | None,
) -> int:
    """List what was recorded, newest last; or when each rule was first seen.

    TARGET is a database or a lake (lake:PATH); without one it is the database.
    """
    from streamlab.errors import UsageError
    from streamlab.storage.location import existing_db

    terms = [(name, value) for name, value in fields.items() if value is not None]
    wanted = _wanted(line, [*terms, *(("rule", rule) for rule in rules)], since)
    if by is not None and not first_seen:
        raise click.UsageError("--by groups what --first-seen finds: give both (trend --by counts)")
    is_lake = target is not None and target.startswith("lake:")
    if is_lake and not first_seen:
        return _print_lake(str(target), wanted, limit, as_json)
    if is_lake and (terms or rules or line or since):
        raise click.UsageError("--first-seen asks a lake as a whole: `streamlab sql` asks some of it")
    if not is_lake and (problems := wanted.filter().problems):
        raise UsageError(f"--filter: {problems[0]}")
    path = None if is_lake else existing_db(Path(target) if target is not None else db)
    if first_seen:
        return _print_first_seen(target, path, wanted, groups_of(by or "server"), as_json)
    if path is not None:
        from streamlab.cli.list_printing import print_list

        print_list(path, wanted, limit, as_json)
    return 0


def _wanted(line: str, terms: list[tuple[str, str]], since: str | None) -> Wanted:
    """The filter that the options mean. Raises UsageError."""
    from datetime import datetime

    from streamlab.errors import UsageError
    from streamlab.workflows import summarize as summarizing

    moment = summarizing.since(since, datetime.now().astimezone()) if since is not None else None
    if since is not None and moment is None:
        raise UsageError(f"--since {since!r} is neither an age (90m, 12h, 3d) nor a date (2026-11-01)")
    for name, value in terms:
        if '"' in value or not value:
            raise UsageError(f"--{name} wants a value without quotes")
        if name == "rule":
            from streamlab.apis.registry import choose  # all rules, which take longer to load than a list to print

            choose((value,))
    return summarizing.Wanted(" ".join([line, *(f'{name}:"{value}"' for name, value in terms)]).strip(), moment)


def _print_first_seen(target: str | None, path: Path | None, wanted: Wanted, by: list[By], as_json: bool) -> int:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import trend
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows.questions import Questioned, sightings

    with ProgressLine() as progress:
        seen, lacking = sightings(Questioned(target if path is None else None, path, progress, warn), wanted, by)
    if as_json:
        say_json(trend.as_json(seen, by))
    elif seen:
        data().print(trend.table(seen, by))
    else:
        complain(f"{path or target}: no rule spoke.")
    return 2 if lacking else 0


def _print_lake(target: str, wanted: Wanted, limit: int, as_json: bool) -> int:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import answers
    from streamlab.report.terminal import complain, data, say_document
    from streamlab.workflows.asked import listed

    with ProgressLine() as progress:
        found, lacking = listed(target, wanted, limit, warn, progress.advance, progress.expect)
    if as_json:
        say_document("json", [answers.as_text(found.columns, found.rows, "json") + "\n"])
    elif found.rows:
        data().print(answers.table(found.columns, [(str(name)[:12], *rest) for name, *rest in found.rows]))
    else:
        complain(f"{target}: nothing fits.")
    return 2 if lacking else 0
