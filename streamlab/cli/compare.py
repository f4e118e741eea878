"""``streamlab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from streamlab.cli.options import db_option, json_option, keep_secrets_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamlab.comparing.parity import Parity
    from streamlab.comparing.tally import FolderTally
    from streamlab.rules.severity import Severity
    from streamlab.workflows.compare import Hop


@click.command(
    epilog="""\b
Examples:
  streamlab record --tap model=127.0.0.1:9101=http://127.0.0.1:8000 --tap gateway=127.0.0.1:9102=http://127.0.0.1:3000
  streamlab compare --hops last
  streamlab compare --hops last --markdown      (to paste into an issue)
  streamlab compare captures/oneapi-tgi-no-space-upstream captures/oneapi-tgi-no-space
  streamlab compare recorded/direct recorded/gateway --markdown      (folders: a tally)
  streamlab compare --runs 12 --markdown
  streamlab compare http://127.0.0.1:8000/v1 http://127.0.0.1:3000/v1 --runs 12 --ask last
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
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="A tally of the newest N runs that two taps saw; or of N asked now of two servers, their base URLs A and B.",
)
@click.option("--ask", metavar="TARGET", help="With --runs and two URLs: the recorded question to ask them.")
@click.option("--markdown", is_flag=True, help="Answer in text to paste into an issue.")
@keep_secrets_option
@db_option
@json_option
def command(
    targets: tuple[str, ...],
    hops: str | None,
    fail_on: str,
    runs: int | None,
    ask: str | None,
    markdown: bool,
    keep_secrets: bool,
    db: Path | None,
    as_json: bool,
) -> int:
    """Say what the hop between two recordings did, and who is to blame.

    A is the exchange nearer to the model, B the one nearer to the client. Where one of them was asked to stream and
    the other was not, the two modes of the same request are compared instead. Folders of exchanges, databases and
    bundles are counted against each other: how many answers were right, which rules spoke, what hops did to the pairs
    (by name, else by request). --runs makes the same tally of many runs: of those recorded, what the tap next to the
    model saw and the one next to the client; or of a question asked now of two servers by turns, with the keys in
    OPENAI_API_KEY and ANTHROPIC_API_KEY. Exit code 0: nothing was done; 1: it was, or a rule speaks about B alone.
    """
    from streamlab.comparing.parity import Parity
    from streamlab.errors import UsageError
    from streamlab.workflows.compare import compare_hops, compare_targets
    from streamlab.workflows.share import masking_of
    from streamlab.workflows.tally import holds_many

    told = _Told(fail_on, as_json, markdown)
    if runs is not None or ask is not None:
        return _answer_runs(targets, runs, ask, hops, db, told)
    if bool(hops) == bool(targets) or (targets and len(targets) != 2):
        raise UsageError("give two targets, A (nearer to the model) and B, or --hops ID (or --hops last)")
    masking = None if keep_secrets else masking_of()
    if hops:
        return _answer(compare_hops(hops, db, masking), told)
    if any(holds_many(one, db) for one in targets):
        return _answer_folders(targets[0], targets[1], db, told)
    found = compare_targets(targets[0], targets[1], db, masking)
    return _answer_parity(found, told) if isinstance(found, Parity) else _answer([found], told)


def _answer(hops: list[Hop], told: _Told) -> int:
    from streamlab.report import compare_text
    from streamlab.report.terminal import data, say, say_json

    if told.as_json:
        listed = [compare_text.comparison_json(hop.comparison, hop.confidence, hop.reasons) for hop in hops]
        say_json(compare_text.compare_document(listed))
    elif told.markdown:
        for hop in hops:
            say(*compare_text.comparison_markdown(hop.comparison, hop.confidence, hop.reasons))
    else:
        console = data()
        for hop in hops:
            compare_text.print_comparison(console, hop.comparison, hop.confidence, hop.reasons)
    found = [one.severity for hop in hops for one in hop.comparison.differences]
    found += [hop.comparison.verdict.worst for hop in hops if hop.comparison.verdict.worst is not None]
    return _code(found, told.fail_on)


def _answer_parity(parity: Parity, told: _Told) -> int:
    from streamlab.report import compare_text
    from streamlab.report.terminal import data, say, say_json

    if told.as_json:
        say_json(compare_text.parity_json(parity))
    elif told.markdown:
        say(*compare_text.parity_markdown(parity))
    else:
        compare_text.print_parity(data(), parity)
    return _code((one.severity for one in parity.findings), told.fail_on)


class _Told(NamedTuple):
    """How it is told."""

    fail_on: str
    as_json: bool
    markdown: bool


def _answer_folders(a: str, b: str, db: Path | None, told: _Told) -> int:
    from streamlab.cli.progress import ProgressLine
    from streamlab.report.terminal import complain
    from streamlab.workflows.tally import folder, tally

    with ProgressLine() as progress:
        counted = tally(folder(a, db), folder(b, db), progress.advance, complain)
    return _answer_tally(counted, told)


def _answer_runs(
    targets: tuple[str, ...], runs: int | None, ask: str | None, hops: str | None, db: Path | None, told: _Told
) -> int:
    from streamlab.cli.progress import ProgressLine
    from streamlab.errors import UsageError
    from streamlab.report.terminal import complain
    from streamlab.workflows.runs import asked_runs, recorded_runs
    from streamlab.workflows.tally import tally

    asked_now = len(targets) == 2 and all(one.startswith(("http://", "https://")) for one in targets)
    if runs is None or hops or bool(ask) != asked_now or (targets and not asked_now):
        raise UsageError("give --runs N alone, or with two base URLs and --ask TARGET: the question to ask them")
    with ProgressLine() as progress:
        if ask is None:
            counted = tally(*recorded_runs(runs, db), progress.advance, complain)
        else:
            with asked_runs((targets[0], targets[1]), runs, ask, db, progress.advance) as sides:
                counted = tally(*sides, progress.advance, complain)
    return _answer_tally(counted, told)


def _answer_tally(counted: FolderTally, told: _Told) -> int:
    from streamlab.report import tally_text
    from streamlab.report.terminal import data, say, say_json

    if told.as_json:
        say_json(tally_text.tally_json(counted))
    elif told.markdown:
        for line in tally_text.markdown(counted):
            say(line)
    else:
        tally_text.print_tally(data(), counted)
    more = (one.severity for one in counted.rules if one.b > one.a)
    return _code((*(one.severity for one in counted.differences), *more), told.fail_on)


def _code(severities: Iterable[Severity], fail_on: str) -> int:
    from streamlab.rules.finding import Severity as Levels

    return int(fail_on != "never" and any(one.rank <= Levels(fail_on).rank for one in severities))
