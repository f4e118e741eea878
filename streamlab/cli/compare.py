"""``streamlab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, json_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamlab.comparing.parity import Parity
    from streamlab.rules.finding import Severity
    from streamlab.workflows.compare import Hop


@click.command(
    epilog="""\b
Examples:
  streamlab record --tap model=127.0.0.1:9101=http://127.0.0.1:8000 --tap gateway=127.0.0.1:9102=http://127.0.0.1:3000
  streamlab compare --hops last
  streamlab compare captures/oneapi-tgi-no-space-upstream captures/oneapi-tgi-no-space
  streamlab compare recorded/direct recorded/gateway --markdown      (folders: a tally)
"""
)
@click.argument("targets", nargs=-1, metavar="[A B]")
@click.option("--hops", metavar="ID", help='Every hop of the conversation this exchange belongs to; or "last".')
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="warning",
    show_default=True,
    help="Exit 1 when a difference is at least this grave.",
)
@click.option("--markdown", is_flag=True, help="A tally as text to paste into an issue.")
@db_option
@json_option
def command(
    targets: tuple[str, ...], hops: str | None, fail_on: str, markdown: bool, db: Path | None, as_json: bool
) -> int:
    """Say what the hop between two recordings did, and who is to blame.

    A is the exchange nearer to the model, B the one nearer to the client. Where one of them was asked to stream and
    the other was not, the two modes of the same request are compared instead. Folders of exchanges, databases and
    bundles are counted against each other: how many answers were right, which rules spoke, what hops did to the pairs
    (by name, else by request). Exit code 0: nothing was done; 1: it was, or a rule speaks about B alone.
    """
    from streamlab.comparing.parity import Parity
    from streamlab.errors import UsageError
    from streamlab.workflows.compare import compare_hops, compare_targets
    from streamlab.workflows.tally import holds_many

    if bool(hops) == bool(targets) or (targets and len(targets) != 2):
        raise UsageError("give two targets, A (nearer to the model) and B, or --hops ID (or --hops last)")
    if hops:
        return _answer(compare_hops(hops, db), fail_on, as_json)
    if any(holds_many(one, db) for one in targets):
        return _answer_tally(targets[0], targets[1], db, fail_on, as_json, markdown)
    if markdown:
        raise UsageError("--markdown is for folders of exchanges; `streamlab export --as markdown` tells of one")
    found = compare_targets(targets[0], targets[1], db)
    return _answer_parity(found, fail_on, as_json) if isinstance(found, Parity) else _answer([found], fail_on, as_json)


def _answer(hops: list[Hop], fail_on: str, as_json: bool) -> int:
    from streamlab.report import compare_text
    from streamlab.report.terminal import data, say_json

    if as_json:
        listed = [compare_text.comparison_json(hop.comparison, hop.confidence, hop.reasons) for hop in hops]
        say_json(compare_text.compare_document(listed))
    else:
        console = data()
        for hop in hops:
            compare_text.print_comparison(console, hop.comparison, hop.confidence, hop.reasons)
    found = [one.severity for hop in hops for one in hop.comparison.differences]
    found += [hop.comparison.verdict.worst for hop in hops if hop.comparison.verdict.worst is not None]
    return _code(found, fail_on)


def _answer_parity(parity: Parity, fail_on: str, as_json: bool) -> int:
    from streamlab.report import compare_text
    from streamlab.report.terminal import data, say_json

    if as_json:
        say_json(compare_text.parity_json(parity))
    else:
        compare_text.print_parity(data(), parity)
    return _code((one.severity for one in parity.findings), fail_on)


def _answer_tally(a: str, b: str, db: Path | None, fail_on: str, as_json: bool, markdown: bool) -> int:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import tally_text
    from streamlab.report.terminal import complain, data, say, say_json
    from streamlab.workflows.tally import tally

    with ProgressLine() as progress:
        counted = tally(a, b, db, progress.advance, complain)
    if as_json:
        say_json(tally_text.tally_json(counted))
    elif markdown:
        for line in tally_text.markdown(counted):
            say(line)
    else:
        tally_text.print_tally(data(), counted)
    more = (one.severity for one in counted.rules if one.b > one.a)
    return _code((*(one.severity for one in counted.differences), *more), fail_on)


def _code(severities: Iterable[Severity], fail_on: str) -> int:
    from streamlab.rules.finding import Severity as Levels

    return int(fail_on != "never" and any(one.rank <= Levels(fail_on).rank for one in severities))
