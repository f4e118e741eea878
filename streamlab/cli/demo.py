"""``streamlab demo``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, need_posix


@click.command(
    epilog="\b\nExamples:\n  streamlab demo\n  streamlab demo --db demo.db\n  NO_COLOR=1 streamlab demo | less"
)
@db_option
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the recording where it is temporary.")
@click.option(
    "--write-captures",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write each exchange as a directory below DIR.",
)
@click.option(
    "--fixtures",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Export the fixtures here (default: a temporary folder).",
)
def command(db: Path | None, keep: bool, write_captures: Path | None, fixtures: Path | None) -> int:
    """Show the whole loop on broken stand-in servers: record, look, say who is to blame, export fixtures, run them.

    Needs no key and no network. Exit code 0 when everything was found that was expected to be and the fixtures are
    green, 1 otherwise.
    """
    need_posix("demo")
    from streamlab.cli import COMMANDS
    from streamlab.demo.acts import acts
    from streamlab.demo.clients import best_client
    from streamlab.demo.performance import perform
    from streamlab.demo.place import database, export
    from streamlab.demo.programme import closing, opening, show
    from streamlab.demo.testing import fixtures_folder, run_as_tests, show_tests
    from streamlab.report.terminal import data, diagnostics

    client = best_client()
    with database(db, keep=keep) as place, fixtures_folder(fixtures, keep=keep) as folder:
        diagnostics().print(opening(len(acts()), client.name, place), soft_wrap=True)
        outcomes = perform(acts(), client, place.path)
        show(data(), outcomes)
        if write_captures is not None:
            export(outcomes, write_captures)
        tested = run_as_tests(outcomes, folder)
        show_tests(data(), tested)
        data().print(closing(outcomes, place, COMMANDS), soft_wrap=True)
    return 0 if tested.green and all(outcome.as_expected for outcome in outcomes) else 1
