"""``streamlab trend``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, groups_of


@click.command(
    epilog="""\b
Examples:
  streamlab trend
  streamlab trend --rule 'tool-call-*' --by model,day
  streamlab trend recorded/ --by label --format csv
"""
)
@click.argument("target", required=False)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only these rules (name or glob; repeatable).")
@click.option(
    "--by", default="server", show_default=True, metavar="WORDS", help="Any of model, server, label, day, with commas."
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "markdown"]), default="table")
@db_option
def command(target: str | None, rules: tuple[str, ...], by: str, form: str, db: Path | None) -> None:
    """Say how often rules spoke, by model, server, label or day.

    TARGET is a database, a folder of exchanges or a bundle; without one it is the database. What was analyzed once is
    not analyzed again.
    """
    from streamlab.apis.registry import choose
    from streamlab.cli.progress import ProgressLine
    from streamlab.judging.trend import shares
    from streamlab.report import trend
    from streamlab.report.terminal import complain, data, say, say_json
    from streamlab.workflows.questions import exchanges_of

    if rules:
        choose(rules)
    groups = groups_of(by)
    with ProgressLine() as progress:
        found = shares(exchanges_of(target, db, progress.advance), groups, rules or ("*",))
    if form == "json":
        say_json(trend.shares_json(found, groups))
    elif form == "csv":
        say(*trend.shares_csv(found, groups).splitlines())
    elif not found:
        complain("no rule spoke.")
    elif form == "markdown":
        say(*trend.shares_markdown(found, groups).splitlines())
    else:
        data().print(trend.shares_table(found, groups))
