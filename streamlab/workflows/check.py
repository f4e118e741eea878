"""The verbs: load, analyze, check, normalize. Wiring only: decisions belong to the engine or the configuration."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from streamlab.apis import DEFAULT, Api
from streamlab.config import Config
from streamlab.errors import StreamlabError, UnreadableInputError, UsageError
from streamlab.exchange import Exchange, Request
from streamlab.judging import analyzer
from streamlab.judging.report import Report
from streamlab.record import Record, changed
from streamlab.repairing.hidden import hides_events
from streamlab.rules.base import Rule
from streamlab.rules.finding import Finding
from streamlab.sharing.shown import report_without_secrets
from streamlab.sharing.wanted import ALL_KNOWN, Masking
from streamlab.storage.files import read_regular
from streamlab.storage.lasting import may_be_kept
from streamlab.storage.targets import Target, find
from streamlab.wire.payload import decode_payload

if TYPE_CHECKING:
    from pathlib import Path

    from streamlab.repairing.account import Normalized, RepairedEvent
    from streamlab.storage.capture_db import CaptureDB
    from streamlab.storage.kept_reports import KeptReports

__all__ = [
    "CheckOptions",
    "Checked",
    "analyze",
    "check",
    "check_one",
    "check_options",
    "checked_of",
    "find",
    "find_one",
    "load",
    "narrowed",
    "normalize",
]

#: Up to this many exchanges one process is faster than several.
_ALONE = 64
_BATCH = 32
#: Reports written to a database at once.
_WRITTEN_AT_ONCE = 512


class CheckOptions(Record, frozen=True):
    """What a check is asked to do beyond its targets; picklable. ``request_body`` stands in for an unknown request."""

    api: Api | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    client: str | None = None
    request_body: bytes | None = None
    #: Judge again what was judged before.
    anew: bool = False
    #: What is taken out of what is said; None: nothing.
    masking: Masking | None = ALL_KNOWN

    @property
    def whole(self) -> bool:
        """Whether the exchange is judged as it is, and what is known is masked: then the outcome, before it is
        narrowed, may be kept."""
        return self.api is None and self.request_body is None and self.masking == ALL_KNOWN

    @property
    def narrow(self) -> bool:
        """Whether less than all findings are asked for."""
        return bool(self.select or self.ignore or self.client is not None)

    def rules(self) -> tuple[type[Rule], ...]:
        """The chosen rules. Raises NotFoundError for a name that matches none."""
        from streamlab.apis.registry import choose

        return choose(self.select, self.ignore)


class Checked(Record, frozen=True):
    """The outcome for one target: a report, or the one line that says why it could not be read."""

    target: Target
    report: Report | None
    status: int | None = None
    ending: str | None = None
    error: str | None = None
    #: What was taken off a paste before it was read, in a phrase.
    read_as: str | None = None
    #: Whether it holds for good: the exchange has ended.
    lasting: bool = False
    #: See `recovered`; None where that was not asked yet.
    recovered: tuple[Finding, ...] | None = None


def check_options(
    config: Config,
    *,
    api: str | None = None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    client: str | None = None,
    request_file: Path | None = None,
    anew: bool = False,
    keep_secrets: bool = False,
) -> CheckOptions:
    """Options from the command line and the project's configuration; the command line wins. Raises UsageError."""
    chosen = _api(api)
    client = client or config.client
    if client is not None:
        require_client(client)
    body = read_regular(request_file) if request_file is not None else None
    if body is not None and not isinstance(decode_payload(body).value, dict):
        raise UnreadableInputError(f"{request_file}: not a JSON object (the body of the request is wanted)")
    masking = None if keep_secrets else _masking(config)
    return CheckOptions(chosen, select or config.select, ignore or config.ignore, client, body, anew, masking)


def _masking(config: Config) -> Masking:
    """What is taken out of what is said: what is known, and what the project's patterns match. Raises UsageError."""
    if not config.redact:
        return ALL_KNOWN
    from streamlab.workflows.share import masking_of

    return masking_of(configured=config)


def load(target: str | os.PathLike[str], db: str | os.PathLike[str] | None = None) -> Iterator[tuple[str, Exchange]]:
    """The exchanges a TARGET names, as (source, exchange). Raises UnreadableInputError, NotFoundError."""
    from pathlib import Path  # deferred, as in `config`

    for found in find(os.fspath(target), Path(db) if db is not None else None):
        yield found.source, found.read()


def find_one(target: str, db: Path | None = None, otherwise: str = "") -> Target:
    """The one exchange a TARGET names. Raises UsageError when it names several; ``otherwise`` is what else helps."""
    first, *more = islice(find(target, db), 2)
    if more:
        raise UsageError(f"{target} holds several exchanges; name one (FILE.db#ID, or a single directory){otherwise}")
    return first


def analyze(exchange: Exchange, *, api: Api | str | None = None) -> Report:
    """The report of an exchange: findings, metrics, and the completion a client would hold."""
    return analyzer.analyze(exchange, api=_api(api))


def normalize(
    exchange: Exchange,
    *,
    unsafe: bool = False,
    api: Api | str | None = None,
    to_chat: bool = False,
    each: Callable[[RepairedEvent], object] | None = None,
) -> Normalized:
    """The exchange with everything mended that can be, and the account of every change; see repairing/normalizer.py.

    ``each`` is given every event of the output, none of which is kept then.
    """
    from streamlab.repairing import normalizer

    return normalizer.normalize(exchange, unsafe=unsafe, api=_api(api), to_chat=to_chat, each=each)


def check(targets: Iterable[Target], options: CheckOptions) -> Iterator[Checked]:
    """Check targets in order, on all cores when there are many; memory is bounded by what is in flight.

    Of many exchanges in a database it is kept there what was said of them, and read there when asked again.
    """
    if options.select or options.ignore:
        options.rules()  # a misspelt rule is a complaint of this process
    waiting = iter(targets)
    first = list(islice(waiting, _ALONE + 1))
    if len(first) <= _ALONE or any(target.path == "-" for target in first):
        for target in chain(first, waiting):
            yield check_one(target, options)
        return
    yield from _check_many(chain(first, waiting), options)


def _check_many(targets: Iterator[Target], options: CheckOptions) -> Iterator[Checked]:
    from streamlab.workflows.cores import on_all_cores, spawning

    first = next(targets)
    targets = chain([first], targets)
    known = _KeptOutcomes(options)
    plans: deque[tuple[list[Target], dict[Target, Checked]]] = deque()

    def unknown() -> Iterator[list[Target]]:
        for batch in iter(lambda: list(islice(targets, _BATCH)), []):
            plans.append((batch, known.of(batch)))
            yield [target for target in batch if target not in plans[-1][1]]

    # What is kept is of every rule, for every client.
    work = partial(_check_batch, options=changed(options, select=(), ignore=(), client=None))
    for judged in on_all_cores(work, unknown(), context=spawning() if first.row is not None else None):
        batch, found = plans.popleft()
        known.keep(judged)
        found |= {one.target: one for one, _ in judged}
        yield from (narrowed(found[target], options) for target in batch)
    known.close()


def _check_batch(targets: list[Target], options: CheckOptions) -> list[tuple[Checked, bytes | None]]:
    """Targets that follow one another in a database are read through one connection. The bytes are what to keep."""
    from streamlab.judging.kept import packed
    from streamlab.storage.capture_db import CaptureDB

    checked: list[tuple[Checked, bytes | None]] = []
    for (path, stored), group in groupby(targets, lambda target: (target.path, target.id is not None)):
        some = list(group)
        try:
            with CaptureDB(path) if stored else nullcontext() as database:
                found = [check_one(target, options, database) for target in some]
        except StreamlabError as error:
            found = [Checked(target, None, error=str(error)) for target in some]
        keep = stored and options.whole
        checked += [(one, packed(one.report) if keep and one.lasting and one.report else None) for one in found]
    return checked


class _KeptOutcomes:
    """What is kept of the exchanges of databases, asked a batch at a time, and written as it grows."""

    def __init__(self, options: CheckOptions) -> None:
        self._options = options
        self._kept: dict[str, KeptReports] = {}
        self._new: dict[str, list[tuple[int, bytes]]] = {}

    def of(self, targets: list[Target]) -> dict[Target, Checked]:
        """The outcomes that are known of targets."""
        from streamlab.judging.kept import unpacked

        found: dict[Target, Checked] = {}
        if not self._options.whole or self._options.anew:
            return found
        for path, group in groupby(targets, lambda target: target.path if target.id is not None else None):
            ids = {target.id: target for target in group if target.id is not None}
            for number, kept in (self._of(path).of(list(ids)) if path is not None else {}).items():
                report = unpacked(kept.report)
                if report is not None:
                    found[ids[number]] = checked_of(ids[number], report, kept.status, kept.ending, kept.notes)
        return found

    def _of(self, path: str) -> KeptReports:
        from streamlab.storage.kept_reports import KeptReports
        from streamlab.storage.rules_version import rules_version

        if path not in self._kept:
            self._kept[path] = KeptReports(path, rules_version())
        return self._kept[path]

    def keep(self, judged: Iterable[tuple[Checked, bytes | None]]) -> None:
        """Take what is to be kept of new outcomes; it is written now and then."""
        for one, report in judged:
            if report is None or one.target.id is None:
                continue
            new = self._new.setdefault(one.target.path, [])
            new.append((one.target.id, report))
            if len(new) >= _WRITTEN_AT_ONCE:
                self._write(one.target.path)

    def _write(self, path: str) -> None:
        self._of(path).keep(self._new.pop(path))

    def close(self) -> None:
        """Write the rest."""
        for path in list(self._new):
            self._write(path)


def check_one(target: Target, options: CheckOptions, database: CaptureDB | None = None) -> Checked:
    """Open and analyze one target; unreadable input becomes `Checked.error`."""
    try:
        with target.opened(database) as exchange:
            exchange = _with_request(exchange, options)
            judge = partial(analyzer.analyze, api=options.api)
            report = report_without_secrets(exchange, judge(exchange), options.masking, judge)
            more = _recovered_of(exchange, report)
    except StreamlabError as error:
        return Checked(target, None, error=str(error))
    status = exchange.head.status if exchange.head is not None else None
    lasting = may_be_kept(exchange)
    found = checked_of(target, report, status, str(exchange.ending), exchange.notes, lasting=lasting)
    return narrowed(changed(found, recovered=more), options)


def recovered(checked: Checked) -> tuple[Finding, ...]:
    """What else is wrong with a stream of which clients cannot read some events: said of those, once they can."""
    if checked.recovered is not None or checked.report is None or not hides_events(checked.report):
        return checked.recovered or ()
    try:
        with checked.target.opened() as exchange:
            return _recovered_of(exchange, checked.report)
    except StreamlabError:
        return ()  # of a lake, the findings are all that is at hand


def _recovered_of(exchange: Exchange, report: Report) -> tuple[Finding, ...]:
    if not hides_events(report):
        return ()
    from streamlab.repairing.recovered import recovered_findings

    return recovered_findings(exchange, report)


def checked_of(
    target: Target,
    report: Report,
    status: int | None,
    ending: str | None,
    notes: dict[str, Any],
    *,
    lasting: bool = True,
) -> Checked:
    """The outcome for an exchange of which a report is at hand."""
    return Checked(target, report, status, ending, read_as=_read_as(notes), lasting=lasting)


def _read_as(notes: dict[str, Any]) -> str | None:
    taken = notes.get("taken_off")
    if not isinstance(taken, list) or notes.get("imported_as") != "paste":
        return None
    unknown = "; how it was framed is not known, so no rule on framing speaks"
    return f"read as a paste of {', '.join(map(str, taken))}{unknown if 'framing' in notes else ''}"


def _with_request(exchange: Exchange, options: CheckOptions) -> Exchange:
    if options.request_body is None or (exchange.request is not None and exchange.request.body is not None):
        return exchange
    known = exchange.request or Request("POST", (options.api or DEFAULT).path)
    return changed(exchange, request=changed(known, body=options.request_body))


def _api(name: Api | str | None) -> Api | None:
    """The API of a name. Raises UsageError where there is none."""
    if name is None or isinstance(name, Api):
        return name
    from streamlab.apis import APIS, api_named

    found = api_named(name)
    if found is None:
        raise UsageError(f"there is no API {name!r} (known: {', '.join(api.name for api in APIS)})")
    return found


def require_client(name: str) -> None:
    """Raise UsageError when no client answers to this name."""
    from streamlab.clients.table import client_names, clients_called, nearest_client

    if clients_called(name):
        return
    near = nearest_client(name)
    raise UsageError(f"there is no client {name!r}" + (f". Did you mean {near!r}?" if near else _known(client_names())))


def _known(names: Iterable[str]) -> str:
    return f"; known: {', '.join(names)}"


def narrowed(checked: Checked, options: CheckOptions) -> Checked:
    """The outcome with the findings alone that are asked for: of the chosen rules, and that hurt the client.

    All rules judge even where few are chosen: some tell what others would tell as well (`Rule.instead_of`), and a
    finding shall not come up because the one that tells it better is not asked for.
    """
    report = checked.report
    if report is None or not options.narrow:
        return checked
    chosen, client = {rule.name for rule in options.rules()}, options.client
    from streamlab.clients.table import hurts

    def of_interest(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
        mine = (one for one in found if one.rule in chosen)
        return tuple(
            one for one in mine if client is None or hurts(one.rule, client, one.variants, one.api, one.strict)
        )

    left = of_interest(report.findings)
    less = changed(report, findings=left, left_out=len(report.findings) - len(left))
    return changed(checked, report=less, recovered=of_interest(recovered(checked)))
