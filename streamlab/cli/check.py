"""``streamlab check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamlab.cli.check_words import FORMATS, LEVELS
from streamlab.cli.options import db_option, keep_secrets_option, max_input_option, warn
from streamlab.cli.progress import ProgressLine

if TYPE_CHECKING:
    from streamlab.cli.checking import Outcomes
    from streamlab.workflows.check import CheckOptions


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
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to answer.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
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
    from streamlab.cli.checking import outcomes_of, print_outcomes
    from streamlab.config import load_config
    from streamlab.workflows import check as api

    config = load_config()
    options = api.check_options(config, **chosen)
    if lakes := [target for target in targets if target.startswith("lake:") and "#" not in target]:
        outcomes = _of_lake(lakes, targets, options, (engine, workers, cluster))
    else:
        if workers or cluster or engine:
            raise click.UsageError("--workers, --cluster and --engine are for a lake (lake:PATH)")
        outcomes = outcomes_of(targets, db or config.database, options)
    return print_outcomes(outcomes, "json" if as_json else form, fail_on or config.fail_on or "warning")


def _of_lake(
    lakes: list[str],
    targets: tuple[str, ...],
    options: CheckOptions,
    engine: tuple[str | None, int | None, str | None],
) -> Outcomes:
    """The outcomes of a lake, judged first as far as these rules have not."""
    if len(targets) > 1:
        raise click.UsageError("a lake is checked alone")
    from streamlab.cli.checking import Outcomes
    from streamlab.workflows import fleet

    with ProgressLine() as progress:
        lake = fleet.check_lake(lakes[0], options, fleet.engine_of(*engine), warn, progress.advance, progress.expect)
    return Outcomes(lake.outcomes, lake.unreadable, options=options)
