"""``streamlab check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamlab.cli.options import db_option, keep_secrets_option, max_input_option, warn
from streamlab.cli.progress import ProgressLine
from streamlab.report.terminal import complain

if TYPE_CHECKING:
    from streamlab.judging.report import Report
    from streamlab.report.json import Summary
    from streamlab.storage.targets import Target
    from streamlab.workflows.check import Checked, CheckOptions


@click.command(
    epilog="""\b
Examples:
  streamlab check last
  streamlab check captures/streamlab.db --fail-on error
  streamlab check fixtures/ --format sarif > streamlab.sarif
  curl -sN … | streamlab check - --ignore 'sse-*'
  streamlab check lake:captures/lake --workers 8
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "junit", "github"]),
    default="text",
    show_default=True,
    help="How to answer.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default=None,
    help="Exit 1 when a finding is at least this grave.  [default: warning]",
)
@click.option("--select", multiple=True, metavar="RULE", help="Only these rules (names or globs; repeatable).")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not these rules (names or globs; repeatable).")
@click.option("--client", metavar="NAME", help="Only what hurts this client, for example openai-python.")
@click.option(
    "--request",
    "request_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The request's JSON body, for streams whose request is unknown.",
)
@click.option("--api", metavar="NAME", help="Judge as this API instead of guessing (chat.completions, responses, …).")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Of a lake: so many processes.")
@click.option(
    "--cluster", metavar="URL", help="Of a lake: the running Dask cluster there, such as tcp://10.0.0.1:8786."
)
@click.option("--engine", type=click.Choice(["local", "dask"]), help="Of a lake: who judges.  [default: local]")
@click.option("--anew", is_flag=True, help="Judge again what a database keeps the findings of.")
@keep_secrets_option
@db_option
@max_input_option
def command(
    targets: tuple[str, ...],
    form: str,
    as_json: bool,
    db: Path | None,
    fail_on: str | None,
    workers: int | None,
    cluster: str | None,
    engine: str | None,
    **chosen: Any,
) -> int:
    """Say where streams depart from what OpenAI promises, who breaks on it, and how it is mended.

    TARGET is an id or "last" in the database, FILE.db, FILE.db#ID, lake:PATH, a fixture directory or a folder of them,
    an .sse file, or - for standard input. Exit code 0 is clean, 1 has findings, 2 could not be read.
    """
    from streamlab.config import load_config
    from streamlab.report.json import Summary
    from streamlab.workflows import check as api

    form, config = "json" if as_json else form, load_config()
    level = fail_on or config.fail_on or "warning"
    options = api.check_options(config, **chosen)
    if lakes := [target for target in targets if target.startswith("lake:") and "#" not in target]:
        outcomes = _of_lake(lakes, targets, options, (engine, workers, cluster))
    else:
        if workers or cluster or engine:
            raise click.UsageError("--workers, --cluster and --engine are for a lake (lake:PATH)")
        missing: list[str] = []
        outcomes = Outcomes(api.check(_found(targets, db or config.database, missing), options), missing=missing)
    summary = Summary()
    if form == "text":
        _print_text(outcomes, summary)
    else:
        from streamlab.report.formats import render
        from streamlab.report.terminal import say_document

        listed = options.rules() if form == "sarif" else ()
        say_document(form, render(form, outcomes.reports(), summary, listed, level))
    return 2 if outcomes.unreadable or outcomes.missing else 1 if summary.reaches(level) else 0


def _found(targets: tuple[str, ...], db: Path | None, missing: list[str]) -> Iterator[Target]:
    """What the targets name, lazily. One that is not there is told of and put down, and the others are checked; alone
    it raises NotFoundError."""
    from streamlab.errors import NotFoundError
    from streamlab.workflows import check as api

    for target in targets:
        try:
            yield from api.find(target, db)
        except NotFoundError as error:
            if len(targets) == 1:
                raise
            missing.append(target)
            complain(f"streamlab: {error}")


def _of_lake(
    lakes: list[str],
    targets: tuple[str, ...],
    options: CheckOptions,
    engine: tuple[str | None, int | None, str | None],
) -> Outcomes:
    """The outcomes of a lake, judged first as far as these rules have not."""
    if len(targets) > 1:
        raise click.UsageError("a lake is checked alone")
    from streamlab.workflows import fleet

    with ProgressLine() as progress:
        lake = fleet.check_lake(lakes[0], options, fleet.engine_of(*engine), warn, progress.advance, progress.expect)
    return Outcomes(lake.outcomes, lake.unreadable)


class Outcomes:
    """The outcomes of a check as they come: complaints go to stderr at once, reports are passed on."""

    def __init__(self, checked: Iterable[Checked], unreadable: int = 0, missing: Sequence[str] = ()) -> None:
        self._checked = checked
        self.unreadable = unreadable
        self.missing = missing

    def __iter__(self) -> Iterator[tuple[Checked, Report]]:
        with ProgressLine(beside_output=True) as progress:
            for outcome in self._checked:
                progress.advance()
                if outcome.report is None:
                    self.unreadable += 1
                    complain(f"streamlab: {outcome.error}")
                else:
                    if outcome.read_as:
                        complain(f"streamlab: {outcome.target.source}: {outcome.read_as}")
                    yield outcome, outcome.report

    def reports(self) -> Iterator[tuple[str, int | None, Report]]:
        """As the formats for machines take them."""
        from streamlab.workflows.check import recovered

        for outcome, report in self:
            yield outcome.target.source, outcome.target.id, replace(report, recovered=recovered(outcome))


def _print_text(outcomes: Outcomes, summary: Summary) -> None:
    from streamlab.report.terminal import data
    from streamlab.report.text import first_line, print_recovered, print_report, summary_line
    from streamlab.workflows.check import recovered

    console = data()
    for outcome, report in outcomes:
        summary.add(report)
        print_report(console, outcome.target.source, report, outcome.status, outcome.ending)
        print_recovered(console, recovered(outcome))
    if summary.exchanges > 1 or (summary.exchanges == 0 and not (outcomes.unreadable or outcomes.missing)):
        console.print(summary_line(summary.exchanges, summary.counts))
    if (first := summary.first) is not None:
        console.hanging(first_line(first, summary.exchanges), 0, 2)
