"""The measurements of clients taken again, in a checkout of streamlab: the streams of ``tools/clients/cases.toml``.

Each answer is noted as it comes, so that a run that was broken off goes on where it was. At the end they become a file
of ``results/``, and ``measured.toml`` is written from all of those: what was not measured stays as it was.
"""

from __future__ import annotations

import asyncio
import datetime
import fnmatch
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Protocol

from streamlab.clients.setups import ClientSetup
from streamlab.comparing.held import HeldAnswer, outcome, with_given_ids
from streamlab.errors import StreamlabError, UsageError
from streamlab.exchange import Exchange
from streamlab.workflows.clients.running import ClientsAsked, ask, side_by_side
from streamlab.workflows.clients.worker import Worker

_HOME = Path("tools", "clients")
_NOTED = ".measuring.jsonl"
_ABOUT = (
    "What real clients did when each stream of cases.toml was served to them over a loopback socket. Outcomes not "
    'listed are "same": as with the perfect stream. wrong:LETTERS as in streamlab/comparing/held.py; error(library) '
    "was raised in the client, error(driver) in the user loop its documentation shows; [silent]: a broken stream "
    "accepted without a word."
)


class Stream(Protocol):
    """A stream with its deviation, and the perfect one beside it (tools/clients/streams.py)."""

    @property
    def name(self) -> str: ...
    @property
    def exchange(self) -> Exchange: ...
    @property
    def perfect(self) -> Exchange: ...
    @property
    def api(self) -> str: ...
    @property
    def tools(self) -> tuple[str, ...]: ...
    @property
    def broken(self) -> bool: ...
    @property
    def nameless(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class CellChange:
    """A client that does something else on a stream than when it was measured last."""

    client: str
    stream: str
    before: str
    after: str


@dataclass(slots=True)
class Measured:
    """A run: where its results are, how many answers it holds, what changed, and which versions answered."""

    results: Path
    answers: int = 0
    changes: list[CellChange] = field(default_factory=list)
    versions: dict[str, tuple[str | None, str]] = field(default_factory=dict)


def checkout() -> Path:
    """The checkout of streamlab around the working directory. Raises UsageError where there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _HOME / "cases.toml").is_file():
            return folder
    raise UsageError("clients measure writes streamlab's own tables: run it in a checkout of streamlab")


def measure(root: Path, wanted: Sequence[ClientSetup], patterns: Sequence[str], asking: ClientsAsked) -> Measured:
    """Ask these clients again about every stream that one of the patterns fits (all without), and write the tables.

    Raises UsageError where no stream fits, and where no client could be asked.
    """
    with _tool(root) as (streams, table):
        chosen = [one for one in streams.all_streams() if _fits(one.name, patterns)]
        if not chosen:
            raise UsageError(f"no stream is called {' or '.join(patterns)}; tools/clients/cases.toml names them")
        wanted = [one for one in wanted if one.measured and any(stream.api in one.apis for stream in chosen)]
        noted = Noted(root / _HOME / _NOTED)
        asyncio.run(_all(chosen, wanted, asking, noted))
        asked = [one for one in wanted if one.id in noted.versions]
        if not asked:
            raise UsageError("none of the clients could be asked")
        before = table.runs()
        result = Measured(_results_path(root))
        _compare(result, table, before, chosen, asked, noted)
        result.results.write_text(_dumped(_document(chosen, asked, noted)), encoding="utf-8")
        table.TARGET.write_text(table.document(), encoding="utf-8")
        noted.path.unlink()
        return result


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, one) for one in patterns)


@contextmanager
def _tool(root: Path) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The checkout's own modules: what the streams are, and what becomes of the results."""
    added = [str(root), str(root / _HOME)]
    sys.path[:0] = added
    try:
        yield import_module("streams"), import_module("measured")
    finally:
        for one in added:
            sys.path.remove(one)


class Noted:
    """The answers of a run that is under way, in a file to which each is added as it comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.versions: dict[str, str] = {}
        self.outcomes: dict[tuple[str, str], str | None] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.endswith("}"):  # the last may be torn
                    self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        client, version = told["client"], told["version"]
        if self.versions.get(client, version) != version:  # another version answers: what the last one said is void
            self.outcomes = {key: value for key, value in self.outcomes.items() if key[0] != client}
        self.versions[client] = version
        self.outcomes[client, told["stream"]] = told["outcome"]

    def add(self, client: str, version: str, stream: str, said: str | None) -> None:
        """One answer more."""
        told = {"client": client, "version": version, "stream": stream, "outcome": said}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        self._take(told)


async def _all(chosen: Sequence[Stream], wanted: Sequence[ClientSetup], asking: ClientsAsked, noted: Noted) -> None:
    turn = asyncio.Semaphore(asking.at_once)

    async def one(setup: ClientSetup, log: IO[bytes]) -> None:
        async with turn:
            try:
                await _one_client(setup, chosen, asking, noted, log)
            except StreamlabError as error:
                asking.failed(setup, str(error))

    asking.log.parent.mkdir(parents=True, exist_ok=True)
    with asking.log.open("ab") as log:
        await side_by_side((one(setup, log) for setup in wanted), asking.environments)


async def _one_client(
    setup: ClientSetup, chosen: Sequence[Stream], asking: ClientsAsked, noted: Noted, log: IO[bytes]
) -> None:
    driver = await asyncio.to_thread(asking.environments.driver, setup)
    perfect: dict[tuple[bytes, tuple[str, ...]], HeldAnswer] = {}
    async with Worker(driver, log, limit_s=asking.limit_s) as worker:
        version = await worker.start()
        for stream in chosen:
            if (setup.id, stream.name) in noted.outcomes and noted.versions[setup.id] == version:
                asking.advance()
                continue
            known = (stream.perfect.body, stream.tools)
            if known not in perfect:
                perfect[known], _ = await ask(worker, stream.perfect, stream.api, stream.tools)
            answer, _ = await ask(worker, stream.exchange, stream.api, stream.tools)
            if stream.nameless:
                answer = with_given_ids(answer, perfect[known])
            noted.add(setup.id, version, stream.name, outcome(answer, perfect[known], stream.broken))
            asking.advance()


def _compare(
    result: Measured,
    table: ModuleType,
    before: Any,
    chosen: Iterable[Stream],
    asked: Sequence[ClientSetup],
    noted: Noted,
) -> None:
    """What these clients do otherwise than when they were measured last."""
    for stream in chosen:
        known = table.Read(stream.name, before)
        for setup in asked:
            said = noted.outcomes[setup.id, stream.name]
            if said is None:
                continue
            result.answers += 1
            version = known.versions.get(setup.id)
            before_it = version or result.versions.get(setup.id, (None, ""))[0]
            result.versions[setup.id] = (before_it, noted.versions[setup.id])
            told = known.outcomes.get(setup.id, "same")
            if version is not None and _kind(told) != _kind(said):
                result.changes.append(CellChange(setup.id, stream.name, told, said))


def _kind(said: str) -> str:
    """What was done, without the words of a message."""
    return ": ".join(said.split(": ")[:2]) if said.startswith("error") else said


def _results_path(root: Path) -> Path:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    folder = root / _HOME / "results"
    names = [day, *(f"{day}-{number}" for number in range(2, 100))]
    return next(path for path in (folder / f"{name}.json" for name in names) if not path.exists())


def _document(chosen: Sequence[Stream], asked: Sequence[ClientSetup], noted: Noted) -> dict[str, Any]:
    return {
        "about": _ABOUT,
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "clients": {one.id: {"version": noted.versions[one.id], "what": one.what} for one in asked},
        "streams": {
            stream.name: _summary(stream, {one.id: noted.outcomes[one.id, stream.name] for one in asked})
            for stream in chosen
        },
    }


def _summary(stream: Stream, found: dict[str, str | None]) -> dict[str, Any]:
    counts = Counter("n/a" if one is None else one.partition(":")[0].partition("(")[0] for one in found.values())
    outcomes = {client: one for client, one in sorted(found.items()) if one not in (None, "same")}
    return {"api": stream.api, "summary": dict(sorted(counts.items())), "outcomes": outcomes}


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
