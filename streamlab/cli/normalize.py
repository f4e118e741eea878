"""``streamlab normalize``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streamlab.cli.options import db_option, json_option


@click.command(
    epilog="""\b
Examples:
  streamlab normalize last > mended.sse
  streamlab normalize captures/streamlab.db#7 -o mended.sse --unsafe
  streamlab normalize broken.sse --blame
  curl -sN … | streamlab normalize - | my-client"""
)
@click.argument("target", metavar="TARGET")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the stream to this file.")
@click.option("--unsafe", is_flag=True, help="Also repairs that need a guess.")
@click.option("--blame", is_flag=True, help="Instead of the stream: where every event and every change comes from.")
@click.option("--api", metavar="NAME", help="Read as this API instead of guessing (chat.completions, …).")
@db_option
@json_option
def command(
    target: str, output: Path | None, unsafe: bool, blame: bool, api: str | None, db: Path | None, as_json: bool
) -> int:
    """Mend one stream: the bytes OpenAI would have sent on stdout, what was mended on stderr.

    Exit code 0 when no error remains, 1 when some cannot be mended. With --json the account goes to stderr as JSON,
    with --blame to stdout.
    """
    from streamlab.config import Config
    from streamlab.repairing.normalizer import errors_left
    from streamlab.report import blame as account
    from streamlab.report.json import dump
    from streamlab.workflows import check as verbs

    found = verbs.find_one(target, db)
    with found.opened() as exchange:
        mended = verbs.normalize(exchange, unsafe=unsafe, api=verbs.check_options(Config(), api=api).api)
    if blame and as_json:
        click.echo(dump(account.blame_json(found.source, mended), indent=1))
    elif blame:
        click.echo("\n".join(account.blame_lines(mended)))
    if output is not None:
        output.write_bytes(mended.exchange.body)
    elif not blame:
        sys.stdout.buffer.write(mended.exchange.body)
        sys.stdout.buffer.flush()
    if as_json and not blame:
        click.echo(dump(account.summary_json(mended), indent=1), err=True)
    else:
        for line in account.summary_lines(mended):
            click.echo(line, err=True)
    return 1 if errors_left(mended) else 0
