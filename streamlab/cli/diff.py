"""``streamlab diff``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, json_option, keep_secrets_option

if TYPE_CHECKING:
    from streamlab.comparing.event_outcomes import EventDiff
    from streamlab.exchange import Exchange
    from streamlab.judging.report import Report
    from streamlab.storage.targets import Target


@click.command(
    epilog="""\b
Examples:
  streamlab diff last
  streamlab diff captures/glm4-tool-ids --json
  streamlab diff captures/oneapi-glm4-newline-upstream captures/oneapi-glm4-newline"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET | A B")
@keep_secrets_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, targets: tuple[str, ...], keep_secrets: bool, db: Path | None, as_json: bool) -> int:
    """Show an exchange beside what OpenAI would have sent, event by event, with the reasons.

    With two targets, A nearer to the model and B nearer to the client, the two are aligned and what happened between
    them is shown (the same as `streamlab compare A B`). Exit code 0: no difference; 1: there are some.
    """
    from streamlab.errors import UsageError

    if len(targets) == 2:
        from streamlab.cli.compare import command as compare

        return int(
            ctx.invoke(
                compare, targets=targets, hops=None, fail_on="info", keep_secrets=keep_secrets, db=db, as_json=as_json
            )
            or 0
        )
    if len(targets) != 1:
        raise UsageError("give one target, or two to be compared with each other")
    return _one(targets[0], db, as_json, keep_secrets)


def _one(target: str, db: Path | None, as_json: bool, keep_secrets: bool) -> int:
    from streamlab.report.terminal import data, say_streamed

    told = _Difference()
    diffed = _diffed(target, db, keep_secrets, told)
    if as_json:
        from streamlab.report.diff_text import exchange_json
        from streamlab.report.documents import Streamed

        listed = (exchange_json(found.source, found.id, report, diffs) for found, _, report, diffs in diffed)
        first = list(islice(listed, 1))  # before anything is written: where it cannot be read, nothing is
        say_streamed({"format": "streamlab.diff/1", "exchanges": Streamed(chain(first, listed))})
    else:
        from streamlab.report.diff_text import print_diff
        from streamlab.report.text import print_head

        for found, exchange, report, diffs in diffed:
            status = exchange.head.status if exchange.head is not None else None
            print_head(data(), found.source, report, status, str(exchange.ending))
            print_diff(data(), report, diffs)
    return int(told.differs)


class _Difference:
    """Whether anything differed of what was said."""

    differs = False


def _diffed(
    target: str, db: Path | None, keep_secrets: bool, told: _Difference
) -> Iterator[tuple[Target, Exchange, Report, Iterator[EventDiff]]]:
    """Each exchange with its events that differ, which have to be taken before the next exchange."""
    from streamlab.comparing.event_diff import explained_diffs
    from streamlab.sharing.shown import as_shown
    from streamlab.workflows import check as api
    from streamlab.workflows.share import masking_of

    masking = None if keep_secrets else masking_of()

    def differing(exchange: Exchange, report: Report) -> Iterator[EventDiff]:
        for diff in explained_diffs(exchange, report.findings):
            told.differs = True
            yield diff

    for found in api.find(target, db):
        exchange = as_shown(found.read(), masking)
        report = api.analyze(exchange)
        told.differs = told.differs or any(one.event is None for one in report.findings)
        yield found, exchange, report, differing(exchange, report)
