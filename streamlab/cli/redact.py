"""``streamlab redact``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, max_input_option


@click.command(
    epilog="""\b
Examples:
  streamlab redact last -o clean.slab
  streamlab redact captures/streamlab.db -o clean.db --pattern 'ACME-[0-9]{6}'
  streamlab redact stream.sse --text > filler.sse
  streamlab redact captures/streamlab.db --verify      (is a secret in it? in free pages? in the log?)
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--pattern", "patterns", multiple=True, metavar="RE", help="Mask what matches this too (repeatable).")
@click.option("--text", is_flag=True, help="Also put filler of the same length and shape for all that was said.")
@click.option("--verify", is_flag=True, help="Prove that no secret is left and that every finding is.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A bundle (.slab), a database (.db), a body (.sse) or a folder of exchange directories.",
)
@db_option
@max_input_option
def command(
    targets: tuple[str, ...], patterns: tuple[str, ...], text: bool, verify: bool, output: Path | None, db: Path | None
) -> int:
    """Take secrets out of exchanges; JSON, cuts, sizes, times and every finding stay as they were.

    Without -o the body goes to standard output, and with --verify the TARGET itself is searched instead: its exchanges,
    and the bytes of its files. Exit code 1: a secret is left (the place is named), or a finding is not.
    """
    from streamlab.report.terminal import complain, say, say_body
    from streamlab.workflows import redact
    from streamlab.workflows.share import masking_of

    masking = masking_of(patterns, text=text)
    if output is None and verify:
        wrong = redact.verify(targets, masking, db)
    else:
        made = redact.redact(targets, output, masking, db)
        complain(*made.lines)
        if output is None:
            say_body(made.body)
        wrong = redact.verify_made(made, output, masking) if verify else list(made.findings)
    complain(*wrong)
    if verify and not wrong:
        complain("no secret is left, and every finding is")
    if output is not None:
        say(str(output))
    return int(bool(wrong))
