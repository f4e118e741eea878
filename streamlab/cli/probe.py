"""``streamlab probe``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import FiniteRange, db_option, json_option, need_posix
from streamlab.errors import UsageError
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from streamlab.workflows.probe import Probed


@click.command(
    epilog="""\b
Examples:
  streamlab probe http://127.0.0.1:8000/v1
  streamlab probe http://127.0.0.1:4000/v1 --model glm --direct http://127.0.0.1:8000/v1 --direct-model glm-4
  streamlab probe http://127.0.0.1:4000/v1 --api anthropic --model claude-sonnet-5
  streamlab probe http://127.0.0.1:4000/v1 --api responses --model gpt-5
  OPENAI_API_KEY=… streamlab probe https://api.openai.com/v1 --model gpt-4.1-mini --junit probe.xml
"""
)
@click.argument("base_url")
@click.option(
    "--api",
    default="chat",
    show_default=True,
    metavar="NAME",
    help="The API to ask by, with its own questions: chat (completions), anthropic (Messages), responses.",
)
@click.option("--model", metavar="M", help="The model to ask for (default: the first that the server lists).")
@click.option("--direct", metavar="URL", help="The server behind a gateway: ask it the same, to name the guilty hop.")
@click.option("--direct-model", metavar="M", help="What the server behind the gateway calls the model.")
@click.option(
    "--timeout",
    type=FiniteRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each answer may take.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JUnit XML too.")
@db_option
@json_option
def command(
    base_url: str,
    api: str,
    model: str | None,
    direct: str | None,
    direct_model: str | None,
    timeout: float,
    junit: Path | None,
    db: Path | None,
    as_json: bool,
) -> int:
    """Ask a live server a fixed set of questions, streamed and not; record, check and compare the answers.

    A key is taken from the environment (OPENAI_API_KEY, or ANTHROPIC_API_KEY for Messages) and never written down.
    Exit code 0: nothing deviates; 1: something does, or the server stopped answering; 3: it cannot be reached.
    """
    need_posix("probe")
    from streamlab.storage.location import default_db
    from streamlab.workflows.probe import ASKED, Probe, probe

    if api not in ASKED:
        raise UsageError(f"--api {visible(api, 40)}: there are questions for {' and '.join(sorted(ASKED))}")
    question = Probe(base_url, model, direct, direct_model, timeout, api=ASKED[api])
    with _Asking() as asking:
        done = probe(question, db or default_db(), asking.told)
    if junit is not None:
        from streamlab.report.probe_table import junit_document
        from streamlab.storage.files import write_regular

        write_regular(junit, "".join(junit_document(done.base_url, done.features)).encode())
    _print(done, as_json)
    return 0 if done.clean else 1


def _print(done: Probed, as_json: bool) -> None:
    from streamlab.report import probe_table

    if as_json:
        from streamlab.report.terminal import say_json

        found = probe_table.probe_json(
            done.base_url, done.model, done.features, done.direct_url, done.direct, done.notes, done.stopped
        )
        say_json(found)
        return
    from streamlab.report.terminal import data

    probe_table.print_probe(data(), done.base_url, done.model, done.features, done.notes, done.stopped, done.db)


class _Asking:
    """Progress on stderr: one line that is rewritten on a terminal, a line a question elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._before = ""

    def __enter__(self) -> _Asking:
        return self

    def told(self, done: int, total: int, feature: str) -> None:
        """``done`` of ``total`` requests were answered; ``feature`` is asked about now."""
        if self._live:
            sys.stderr.write(f"\r\x1b[K{done}/{total} {feature} …")
        elif feature != self._before:
            sys.stderr.write(f"{done}/{total} {feature}\n")
        self._before = feature
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
