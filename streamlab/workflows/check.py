"""The verbs: load, analyze, check, normalize. Wiring only: decisions belong to the engine or the configuration."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from pathlib import Path

from streamlab.apis import APIS, DEFAULT, Api, api_named
from streamlab.apis.registry import choose
from streamlab.config import Config
from streamlab.errors import StreamlabError, UnreadableInputError, UsageError
from streamlab.exchange import Exchange, Request
from streamlab.interop.reading import may_hold_exchanges, read_bytes
from streamlab.judging import analyzer
from streamlab.judging.report import Report
from streamlab.repairing import normalizer
from streamlab.repairing.account import Normalized
from streamlab.rules.base import Rule
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.files import read_regular
from streamlab.storage.location import default_db
from streamlab.storage.targets import Target, find, find_files
from streamlab.wire.payload import decode_payload

__all__ = [
    "CheckOptions",
    "Checked",
    "analyze",
    "check",
    "check_one",
    "check_options",
    "find",
    "find_one",
    "import_into",
    "load",
    "normalize",
]

#: Up to this many exchanges one process is faster than several.
_ALONE = 64
_BATCH = 32


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What a check is asked to do beyond its targets; picklable. ``request_body`` stands in for an unknown request."""

    api: Api | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    client: str | None = None
    request_body: bytes | None = None

    def rules(self) -> tuple[type[Rule], ...]:
        """The chosen rules. Raises NotFoundError for a name that matches none."""
        return choose(self.select, self.ignore)


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome for one target: a report, or the one line that says why it could not be read."""

    target: Target
    report: Report | None
    status: int | None = None
    ending: str | None = None
    error: str | None = None
    #: What was taken off a paste before it was read, in a phrase.
    read_as: str | None = None


def check_options(
    config: Config,
    *,
    api: str | None = None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    client: str | None = None,
    request_file: Path | None = None,
) -> CheckOptions:
    """Options from the command line and the project's configuration; the command line wins. Raises UsageError."""
    chosen = _api(api)
    client = client or config.client
    if client is not None:
        require_client(client)
    body = read_regular(request_file) if request_file is not None else None
    if body is not None and not isinstance(decode_payload(body).value, dict):
        raise UnreadableInputError(f"{request_file}: not a JSON object (the body of the request is wanted)")
    return CheckOptions(chosen, select or config.select, ignore or config.ignore, client, body)


def load(target: str | os.PathLike[str], db: str | os.PathLike[str] | None = None) -> Iterator[tuple[str, Exchange]]:
    """The exchanges a TARGET names, as (source, exchange). Raises UnreadableInputError, NotFoundError."""
    for found in find(os.fspath(target), Path(db) if db is not None else None):
        yield found.source, found.read()


def find_one(target: str, db: Path | None = None) -> Target:
    """The one exchange a TARGET names. Raises UsageError when it names several."""
    first, *more = islice(find(target, db), 2)
    if more:
        raise UsageError(f"{target} holds several exchanges; name one (FILE.db#ID, or a single directory)")
    return first


def import_into(files: Iterable[str], db: Path | None, label: str | None) -> tuple[Path, list[int]]:
    """Copy exchanges from files into the database; returns it and the new ids. Reads all before it writes any."""
    path = db or default_db()
    exchanges = [pair for file in files for pair in _from_file(file)]
    with CaptureDB(path, write=True) as database:
        return path, [database.add(_labelled(source, exchange, label)) for source, exchange in exchanges]


#: Endings of the files that are imported out of a folder.
_IMPORTED = (".sse", ".har", ".yaml", ".yml")


def _from_file(file: str) -> Iterator[tuple[str, Exchange]]:
    for found in find_files(file, _IMPORTED):
        if found.id is not None or found.number is not None or Path(found.path).is_dir():
            yield found.source, found.read()
        else:
            data = found.data()
            if found.below is not None and not may_hold_exchanges(found.path, data):
                continue  # a folder has YAML of many kinds
            for exchange in read_bytes(found.path, data):
                yield found.source, exchange


def _labelled(source: str, exchange: Exchange, label: str | None) -> Exchange:
    name = label or exchange.label or Path(source).stem
    return replace(exchange, label=name, notes={**exchange.notes, "imported_from": Path(source).name})


def analyze(exchange: Exchange, *, api: Api | str | None = None) -> Report:
    """The report of an exchange: findings, metrics, and the completion a client would hold."""
    return analyzer.analyze(exchange, api=_api(api))


def normalize(
    exchange: Exchange, *, unsafe: bool = False, api: Api | str | None = None, to_chat: bool = False
) -> Normalized:
    """The exchange with everything mended that can be, and the account of every change; see repairing/normalizer.py."""
    return normalizer.normalize(exchange, unsafe=unsafe, api=_api(api), to_chat=to_chat)


def check(targets: Iterable[Target], options: CheckOptions) -> Iterator[Checked]:
    """Check targets in order, on all cores when there are many; memory is bounded by what is in flight."""
    waiting = iter(targets)
    first = list(islice(waiting, _ALONE + 1))
    cores = os.cpu_count() or 1
    if len(first) <= _ALONE or cores == 1 or any(target.path == "-" for target in first):
        options.rules()
        for target in chain(first, waiting):
            yield check_one(target, options)
        return
    yield from _check_on_all_cores(chain(first, waiting), options, cores)


def _check_on_all_cores(targets: Iterator[Target], options: CheckOptions, cores: int) -> Iterator[Checked]:
    options.rules()  # a misspelt rule is a complaint of this process
    in_flight: deque[Future[list[Checked]]] = deque()
    # Ctrl-C reaches every process of the terminal; only this one answers it.
    pool = ProcessPoolExecutor(cores, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        for batch in iter(lambda: list(islice(targets, _BATCH)), []):
            in_flight.append(pool.submit(_check_batch, batch, options))
            if len(in_flight) >= 2 * cores:
                yield from in_flight.popleft().result()
        while in_flight:
            yield from in_flight.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_batch(targets: list[Target], options: CheckOptions) -> list[Checked]:
    """Targets that follow one another in a database are read through one connection."""
    checked: list[Checked] = []
    for (path, stored), group in groupby(targets, lambda target: (target.path, target.id is not None)):
        some = list(group)
        try:
            with CaptureDB(path) if stored else nullcontext() as database:
                checked += [check_one(target, options, database) for target in some]
        except StreamlabError as error:
            checked += [Checked(target, None, error=str(error)) for target in some]
    return checked


def check_one(target: Target, options: CheckOptions, database: CaptureDB | None = None) -> Checked:
    """Open and analyze one target; unreadable input becomes `Checked.error`."""
    try:
        with target.opened(database) as exchange:
            exchange = _with_request(exchange, options)
            report = analyzer.analyze(exchange, api=options.api, rules=options.rules())
    except StreamlabError as error:
        return Checked(target, None, error=str(error))
    status = exchange.head.status if exchange.head is not None else None
    read_as = _read_as(exchange)
    return Checked(target, _for_client(report, options.client), status, str(exchange.ending), read_as=read_as)


def _read_as(exchange: Exchange) -> str | None:
    taken = exchange.notes.get("taken_off")
    if not isinstance(taken, list) or exchange.notes.get("imported_as") != "paste":
        return None
    unknown = "; how it was framed is not known, so no rule on framing speaks"
    return f"read as a paste of {', '.join(map(str, taken))}{unknown if 'framing' in exchange.notes else ''}"


def _with_request(exchange: Exchange, options: CheckOptions) -> Exchange:
    if options.request_body is None or (exchange.request is not None and exchange.request.body is not None):
        return exchange
    known = exchange.request or Request("POST", (options.api or DEFAULT).path)
    return replace(exchange, request=replace(known, body=options.request_body))


def _api(name: Api | str | None) -> Api | None:
    """The API of a name. Raises UsageError where there is none."""
    if name is None or isinstance(name, Api):
        return name
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


def _for_client(report: Report, client: str | None) -> Report:
    if client is None:
        return report
    from streamlab.clients.table import hurts

    return replace(report, findings=tuple(one for one in report.findings if hurts(one.rule, client, one.variants)))
