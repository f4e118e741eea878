"""``streamlab drift``."""

from __future__ import annotations

import click

from streamlab.cli.options import FiniteRange, json_option, need_posix


@click.command(
    epilog="""\b
Examples:
  streamlab drift fixtures/ --against http://127.0.0.1:8000/v1
  streamlab drift fixtures/ --against https://api.openai.com/v1 --per-minute 20
  streamlab drift fixtures/ --against http://127.0.0.1:8000/v1 --update
"""
)
@click.argument("folder")
@click.option("--against", required=True, metavar="URL", help="Base URL of the server to ask: https://host/v1.")
@click.option("--update", is_flag=True, help="Put changed answers in the place of the recorded ones.")
@click.option(
    "--per-minute", type=FiniteRange(min=0), default=60.0, show_default=True, help="Ask no faster; 0: no limit."
)
@json_option
def command(folder: str, against: str, update: bool, per_minute: float, as_json: bool) -> int:
    """Ask recorded questions again, and say what changed in the shape of the answers.

    FOLDER holds exchange directories, such as exported fixtures. The words a model chose, ids, dates and numbers are no
    change: what counts is status, events, members and their types, their order, findings, and whether the answer is
    streamed. Keys are taken from OPENAI_API_KEY and ANTHROPIC_API_KEY. A run that was broken off goes on where it was.
    Exit code 0: nothing changed; 1: something did.
    """
    need_posix("drift")
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import drift_text
    from streamlab.report.terminal import data, say_json
    from streamlab.workflows.drift import drift

    console, found = data(), []
    with ProgressLine(beside_output=True) as progress:
        asked = drift(folder, against, per_minute=per_minute, update=update, advance=lambda _name: progress.advance())
        for one in asked:
            found.append(one)
            if not as_json:
                drift_text.print_answer(console, one)
    if as_json:
        say_json(drift_text.drift_json(found))
    else:
        drift_text.print_verdict(console, found, update=update)
    return int(any(one.changes for one in found))
