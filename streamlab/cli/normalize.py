"""``streamlab normalize``."""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, json_option, max_input_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streamlab.apis import Api
    from streamlab.exchange import Exchange
    from streamlab.judging.report import Report
    from streamlab.repairing.account import Normalized
    from streamlab.report.mended import MendingTally
    from streamlab.storage.targets import Target
    from streamlab.workflows.mend import MendOptions


@click.command(
    epilog="""\b
Examples:
  streamlab normalize last > mended.sse
  streamlab normalize captures/streamlab.db#7 -o mended.sse --unsafe
  streamlab normalize broken.sse --blame
  streamlab normalize last --to chat
  streamlab normalize captures/streamlab.db -o mended.db
  curl -sN … | streamlab normalize - | my-client"""
)
@click.argument("target", metavar="TARGET")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the stream to this file; several into a database (.db) or a folder of exchange directories.",
)
@click.option("--unsafe", is_flag=True, help="Also repairs that need a guess.")
@click.option("--blame", is_flag=True, help="Instead of the stream: where every event and every change comes from.")
@click.option("--api", metavar="NAME", help="Read as this API instead of guessing (chat.completions, …).")
@click.option(
    "--to",
    type=click.Choice(["chat"]),
    help="Translate into this API: a stream of Messages or Responses into chat chunks.",
)
@click.option(
    "--keep-secrets",
    is_flag=True,
    help="Show known secrets in what is said of it, and in what several are written into, as they came.",
)
@db_option
@max_input_option
@json_option
def command(
    target: str,
    output: Path | None,
    unsafe: bool,
    blame: bool,
    api: str | None,
    to: str | None,
    keep_secrets: bool,
    db: Path | None,
    as_json: bool,
) -> int:
    """Mend one stream: the bytes OpenAI or Anthropic would have sent on stdout, what was mended on stderr. Or all of a
    database, a folder, a bundle or a lake, on all cores, into a database or a folder (-o).

    Exit code 0 when no error remains, 1 when some cannot be mended, 2 when some could not be read, 3 when a repair of
    ours failed (what it held and the rest are then as they came). With --json the account goes to stderr as JSON, with
    --blame to stdout.
    """
    from streamlab.config import Config
    from streamlab.repairing.normalizer import errors_left
    from streamlab.workflows import check as verbs

    known = verbs.check_options(Config(), api=api).api
    if output is None or blame:
        found = verbs.find_one(target, db, "; or write all of them into a database or a folder: -o PATH" * (not blame))
    else:
        found, several = _found(target, db, output)
        if several is not None:
            how = _how_to_mend(known, unsafe=unsafe, to_chat=to == "chat", keep_secrets=keep_secrets)
            return _mend_all(output, several, how, as_json=as_json)
    with found.opened() as exchange:
        mend = partial(verbs.normalize, unsafe=unsafe, api=known, to_chat=to == "chat")
        told = partial(_tell_blame, as_json=as_json, keep_secrets=keep_secrets)
        repaired = told(found.source, exchange, mend) if blame else mend(exchange, each=bool)
    if output is not None or not blame:
        _give(repaired.exchange.body, output)
    left = verbs.analyze(repaired.exchange)
    _tell_summary(repaired, left, unsafe=unsafe, as_json=as_json and not blame, keep_secrets=keep_secrets)
    return 3 if repaired.failed else 1 if errors_left(repaired, left) else 0


def _give(body: bytes, output: Path | None) -> None:
    from streamlab.report.terminal import say_body
    from streamlab.storage.files import write_regular

    if output is not None:
        write_regular(output, body)
    else:
        say_body(body)


def _found(target: str, db: Path | None, output: Path) -> tuple[Target, Iterator[Target] | None]:
    """The first exchange that a TARGET names; all of them, where they do not go into a file of their own."""
    from streamlab.storage.targets import find
    from streamlab.workflows.mend import is_database

    waiting = find(target, db)
    first, *more = islice(waiting, 2)
    return first, chain([first], more, waiting) if more or is_database(output) else None


def _how_to_mend(api: Api | None, *, unsafe: bool, to_chat: bool, keep_secrets: bool) -> MendOptions:
    from streamlab.workflows.mend import MendOptions
    from streamlab.workflows.share import masking_of

    return MendOptions(unsafe, api, to_chat, None if keep_secrets else masking_of())


def _mend_all(output: Path, targets: Iterable[Target], options: MendOptions, *, as_json: bool) -> int:
    from streamlab.cli.options import warn
    from streamlab.cli.progress import ProgressLine
    from streamlab.errors import StreamlabError
    from streamlab.report import mended
    from streamlab.workflows.mend import mend_into

    account = mended.MendingTally(as_json)
    try:
        with ProgressLine() as progress:
            for one in mend_into(output, targets, options):
                progress.advance()
                if one.error is not None:
                    warn(one.error)
                account.add(one.source, one.account, one.left, failed=one.failed, unreadable=one.error is not None)
    except StreamlabError:
        if account.begun:  # what is written stays: the disk is full, say
            _tell_account(account, output, options, as_json=as_json)
        raise
    _tell_account(account, output, options, as_json=as_json)
    return account.exit_code


def _tell_account(account: MendingTally, output: Path, options: MendOptions, *, as_json: bool) -> None:
    from streamlab.report.terminal import complain, say_json
    from streamlab.sharing.shared import clean_notes

    if as_json:
        document = account.document(str(output))
        say_json(clean_notes(document, options.masking) if options.masking else document, to_stderr=True)
    else:
        complain(*account.lines(str(output)))


def _tell_summary(repaired: Normalized, left: Report, *, unsafe: bool, as_json: bool, keep_secrets: bool) -> None:
    """What was mended and what not, on standard error: for people, so without known secrets."""
    from streamlab.report import blame as account
    from streamlab.report.terminal import complain, say_json
    from streamlab.sharing.masking import mask_text
    from streamlab.sharing.shared import clean_notes
    from streamlab.workflows.share import masking_of

    masking = None if keep_secrets else masking_of()
    if as_json:
        summary = account.summary_json(repaired)
        say_json(summary if masking is None else clean_notes(summary, masking), to_stderr=True)
    else:
        lines = account.summary_lines(repaired, unsafe, left)
        complain(*(lines if masking is None else (mask_text(one, masking.patterns) for one in lines)))


def _tell_blame(
    source: str, exchange: Exchange, mend: Callable[..., Normalized], *, as_json: bool, keep_secrets: bool
) -> Normalized:
    """Where everything comes from: for people, so without known secrets, which a stream for a client keeps. Returns
    the exchange repaired.

    Of a stream that asks too much of the repairs no event is told: to look for secrets in all of it takes a minute.
    """
    from streamlab.cli.options import warn
    from streamlab.repairing.whole_answers import TOO_MUCH
    from streamlab.report.blame import Ledger
    from streamlab.report.terminal import say, say_document
    from streamlab.sharing.shown import as_shown
    from streamlab.workflows.share import masking_of

    ledger = Ledger(as_json)
    repaired = told = mend(exchange, each=ledger.add)
    if not keep_secrets and any(one.rule == TOO_MUCH for one in repaired.unrepaired):
        ledger.forget()
        warn("no event is told of a stream that asks too much: secrets are not looked for in it (--keep-secrets tells)")
    elif not keep_secrets and (shown := as_shown(exchange, masking_of())) is not exchange:
        ledger = Ledger(as_json)
        told = mend(shown, each=ledger.add)
    if as_json:
        say_document("json", ledger.document(source, told))
    else:
        say(*ledger.lines(told))
    return repaired
