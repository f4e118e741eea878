"""``streamlab trend``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, groups_of, warn

if TYPE_CHECKING:
    from streamlab.judging.trend import By, Share


@click.command(
    epilog="""\b
Examples:
  streamlab trend
  streamlab trend --rule 'tool-call-*' --by model,day
  streamlab trend recorded/ --by label --format csv
  streamlab trend lake:captures/lake --rule 'tool-call-*' --by model,server,day
  streamlab trend --by model,day --format svg -o trend.svg
"""
)
@click.argument("target", required=False)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only these rules (name or glob; repeatable).")
@click.option(
    "--by",
    default="server",
    show_default=True,
    metavar="WORDS",
    help="Any of model, server, version, label, day, with commas.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown", "svg", "parquet"]),
    default="table",
    help="svg: a small plot for each rule and group, by day.  [default: table]",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer to this file.")
@db_option
def command(
    target: str | None, rules: tuple[str, ...], by: str, form: str, output: Path | None, db: Path | None
) -> int:
    """Say how often rules spoke, by model, server, version, label or day.

    TARGET is a database, a lake (lake:PATH), a folder of exchanges or a bundle; without one it is the database. What
    was analyzed once is not analyzed again.
    """
    from streamlab.apis.registry import choose
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import trend
    from streamlab.report.terminal import complain, data, say, say_document
    from streamlab.storage.files import write_regular
    from streamlab.workflows.questions import Questioned, shares

    if rules:
        choose(rules)
    groups = groups_of(by)
    if form == "svg" and "day" not in groups:
        raise click.UsageError("--format svg draws days: add day to --by")
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet wants a file: -o FILE")
    with ProgressLine() as progress:
        found, lacking = shares(Questioned(target, db, progress, warn), groups, rules or ("*",))
    if output is not None:
        write_regular(output, _written(form, found, groups))
    elif form in ("json", "svg"):
        say_document("json" if form == "json" else "junit", [_written(form, found, groups).decode()])
    elif form != "table" and (found or form == "csv"):
        say(*_written(form, found, groups).decode().splitlines())
    elif not found:
        complain("no rule spoke.")
    else:
        data().print(trend.shares_table(found, groups))
    return 2 if lacking else 0


def _written(form: str, found: list[Share], groups: list[By]) -> bytes:
    """As a file has it; a table as CSV."""
    from streamlab.report import trend
    from streamlab.report.documents import dump
    from streamlab.report.trend_svg import shares_svg

    if form == "parquet":
        from streamlab.workflows.asked import table_as_parquet

        return table_as_parquet(trend.shares_json(found, groups))
    if form == "json":
        return f"{dump(trend.shares_json(found, groups), 1)}\n".encode()
    written = {"markdown": trend.shares_markdown, "svg": shares_svg}.get(form, trend.shares_csv)
    return f"{written(found, groups).rstrip()}\n".encode("utf-8", "replace")
