"""The measurements of clients taken again, in a checkout of streamlab: the streams of ``tools/clients/cases.toml``.

Each answer is noted as it comes, so that a run that was broken off goes on where it was. At the end they become a file
of ``results/``, and ``measured.toml`` is written from all of those: what was not measured stays as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import fnmatch
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Protocol

from streamlab.clients.setups import ClientSetup
from streamlab.comparing.held import HeldAnswer, outcome, outcome_of_failure, with_given_ids
from streamlab.errors import StreamlabError, UsageError
from streamlab.exchange import Exchange
from streamlab.workflows.clients.running import ClientsAsked, ask, side_by_side
from streamlab.workflows.clients.worker import Worker

_HOME = Path("tools", "clients")
_NOTED = {True: ".measuring.jsonl", False: ".measuring-not-strict.jsonl"}
_ABOUT = (
    "What real clients did when each stream of cases.toml was served to them over a loopback socket. Outcomes not "
    'listed are "same": as with the perfect stream. wrong:LETTERS as in streamlab/comparing/held.py; error(library) '
    "was raised in the client, error(driver) in the user loop its documentation shows; [silent]: a broken stream "
    "accepted without a word; no words: an error that does not say what the server said of its failure."
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
    @property
    def words(self) -> str: ...


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

    results: list[Path] = field(default_factory=list)
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

    Who parses the arguments of strict tools, and of no others, is asked about streams with tools twice: with tools that
    are strict, and in a file of its own with tools that are not. Raises UsageError where no stream fits, and where no
    client could be asked.
    """
    with _tool(root) as (streams, table):
        chosen = [one for one in streams.all_streams() if _fits(one.name, patterns)]
        if not chosen:
            raise UsageError(f"no stream is called {' or '.join(patterns)}; tools/clients/cases.toml names them")
        wanted = [one for one in wanted if one.measured and any(stream.api in one.apis for stream in chosen)]
        with_tools = [one for one in chosen if one.tools]
        parsing = [one for one in wanted if one.parses and any(stream.api in one.apis for stream in with_tools)]
        rounds = [_Round(root, chosen, wanted), *([_Round(root, with_tools, parsing, strict=False)] if parsing else ())]
        for one in rounds:
            asyncio.run(_all(one, asking))
        if not rounds[0].asked:
            raise UsageError("none of the clients could be asked")
        before, result = table.runs(), Measured()
        for one in rounds:
            _compare(result, table, before, one)
            result.results.append(_results_path(root))
            result.results[-1].write_text(_dumped(_document(one)), encoding="utf-8")
        table.write()
        for one in rounds:
            one.noted.path.unlink(missing_ok=True)
        return result


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, one) for one in patterns)


@contextlib.contextmanager
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
            text = path.read_text(encoding="utf-8")
            for line in text.splitlines():
                with contextlib.suppress(json.JSONDecodeError):  # of one that is torn
                    self._take(json.loads(line))
            if not text.endswith("\n"):
                path.write_text(text + "\n", encoding="utf-8")  # or the next answer would be torn with it

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


class _Round:
    """Streams that clients are asked about; ``strict`` says whether those that parse strict tools are given such."""

    def __init__(
        self, root: Path, chosen: Sequence[Stream], wanted: Sequence[ClientSetup], *, strict: bool = True
    ) -> None:
        self.chosen, self.wanted, self.strict = chosen, wanted, strict
        self.noted = Noted(root / _HOME / _NOTED[strict])

    @property
    def asked(self) -> list[ClientSetup]:
        """Those that answered all of it: not who was left out, also where a run before it had an answer noted."""
        outcomes = self.noted.outcomes
        return [one for one in self.wanted if all((one.id, stream.name) in outcomes for stream in self.chosen)]


async def _all(round_: _Round, asking: ClientsAsked) -> None:
    turn = asyncio.Semaphore(asking.at_once)

    async def one(setup: ClientSetup, log: IO[bytes]) -> None:
        async with turn:
            try:
                await _one_client(setup, round_, asking, log)
            except StreamlabError as error:
                asking.failed(setup, str(error))

    asking.log.parent.mkdir(parents=True, exist_ok=True)
    with asking.log.open("ab") as log:
        await side_by_side((one(setup, log) for setup in round_.wanted), asking.environments)


async def _one_client(setup: ClientSetup, round_: _Round, asking: ClientsAsked, log: IO[bytes]) -> None:
    noted = round_.noted
    driver = await asyncio.to_thread(asking.environments.driver, setup)
    perfect: dict[tuple[bytes, tuple[str, ...]], HeldAnswer] = {}
    async with Worker(driver, log, limit_s=asking.limit_s) as worker:
        version = await worker.start()
        for stream in round_.chosen:
            strict = stream.tools if setup.parses and round_.strict else ()
            if (setup.id, stream.name) in noted.outcomes and noted.versions[setup.id] == version:
                asking.advance()
                continue
            known = (stream.perfect.body, stream.tools)
            if known not in perfect:
                perfect[known], _ = await ask(worker, stream.perfect, stream.api, stream.tools, strict=strict)
            answer, _ = await ask(worker, stream.exchange, stream.api, stream.tools, strict=strict)
            if stream.nameless:
                answer = with_given_ids(answer, perfect[known])
            noted.add(setup.id, version, stream.name, _judged(stream, answer, perfect[known]))
            asking.advance()


def _judged(stream: Stream, answer: HeldAnswer, perfect: HeldAnswer) -> str | None:
    if stream.words:
        return outcome_of_failure(answer, perfect, stream.words)
    return outcome(answer, perfect, stream.broken)


def _compare(result: Measured, table: ModuleType, before: Any, round_: _Round) -> None:
    """What these clients do otherwise than when they were measured last."""
    noted = round_.noted
    for stream in round_.chosen:
        known = table.Read(stream.name, before, strict=round_.strict)
        for setup in round_.asked:
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
    """A file behind all others of the day: the later one counts."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    folder = root / _HOME / "results"
    last = max((int(one.stem.removeprefix(day)[1:] or 1) for one in folder.glob(f"{day}*.json")), default=0)
    return folder / (f"{day}-{last + 1}.json" if last else f"{day}.json")


def _document(round_: _Round) -> dict[str, Any]:
    asked, noted = round_.asked, round_.noted
    return {
        **({} if round_.strict else {"strict": False}),
        "about": _ABOUT,
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "clients": {one.id: {"version": noted.versions[one.id], "what": one.what} for one in asked},
        "streams": {
            stream.name: _summary(stream, {one.id: noted.outcomes[one.id, stream.name] for one in asked})
            for stream in round_.chosen
        },
    }


def _summary(stream: Stream, found: dict[str, str | None]) -> dict[str, Any]:
    counts = Counter("n/a" if one is None else one.partition(":")[0].partition("(")[0] for one in found.values())
    outcomes = {client: one for client, one in sorted(found.items()) if one not in (None, "same")}
    return {"api": stream.api, "summary": dict(sorted(counts.items())), "outcomes": outcomes}


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
