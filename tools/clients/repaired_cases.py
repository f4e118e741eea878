"""The exchanges that clients are asked about before and after repair, each beside the lawful stream that it bends.

Folders of exchanges are given (``corpus/scenarios``, ``../shared/reports``, ``../shared/corpus/protocols/anthropic``).
The lawful stream of a case is the one of the folder that its notes name as ``base``, or whose labels tell the same
``truth``; or else the first of the ``00-*`` that holds the same answer as the repaired case. Where there is none, the
case is measured against what streamlab itself reads of the repaired stream.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.repairing.account import Normalized
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.payload import JsonObject
from streamlab.workflows.clients.running import tools_of

#: How a case is served: as it came, repaired, and repaired with ``--unsafe`` where that gives other bytes.
CAME, SAFE, UNSAFE = "came", "safe", "unsafe"


@dataclass(frozen=True)
class Served:
    """One body as clients are given it, and what streamlab reads of it.

    ``broken``: it ends with an error, or is cut, so that a good client reports an error. ``left``: errors in it.
    """

    exchange: Exchange
    completion: JsonObject
    broken: bool
    left: tuple[str, ...] = ()

    def key(self, api: str, tools: Iterable[str]) -> str:
        """Names everything that a client's reading depends on."""
        head = self.exchange.head
        seen = (
            self.exchange.ending.value,
            head and [head.status, *(head.header(name) for name in ("content-type", "content-encoding"))],
            api,
            list(tools),
        )
        return hashlib.sha256(json.dumps(seen).encode() + self.exchange.body).hexdigest()[:24]


@dataclass
class Case:
    """A stream in its variants.

    ``lawful`` is the one it bends, where that is known; ``kin`` another lawful one that ends as it does, which shows
    how a client tells such an end.
    """

    name: str
    api: str
    tools: tuple[str, ...]
    served: dict[str, Served] = field(default_factory=dict)
    lawful: Served | None = None
    kin: Case | None = None

    def bodies(self) -> Iterator[Served]:
        """Everything that is asked."""
        yield from self.served.values()
        if self.lawful is not None:
            yield self.lawful
        if self.kin is not None:
            yield self.kin.served[CAME]


@dataclass
class _Read:
    case: Case
    base: str | None
    truth: Any

    @property
    def is_lawful(self) -> bool:
        return self.case.name.rpartition("/")[2].startswith("00-")


def cases(folders: Iterable[Path]) -> list[Case]:
    """Every case below the folders whose API is judged."""
    found: list[Case] = []
    for folder in folders:
        read = [one for place in sorted(folder.rglob("exchange.json")) if (one := _case(place.parent, folder))]
        lawful = sorted((one for one in read if one.is_lawful), key=lambda one: len(one.case.name))  # plainest first
        for one in read:
            one.case.lawful = _lawful(one, lawful)
        found += [one.case for one in read]
    for case in found:
        if case.lawful is None:
            case.kin = next((one for one in found if _is_kin(one, case)), None)
    return found


def _is_kin(other: Case, case: Case) -> bool:
    """Whether a lawful case is of the same API and ends as this one does, repaired."""
    mine, theirs = case.served.get(UNSAFE, case.served[SAFE]).completion, other.served[CAME].completion
    alike = other.api == case.api and theirs.get("finish_reason") == mine.get("finish_reason")
    plain = other.name.rpartition("/")[2].startswith("00-") and "oddity" not in other.name
    return alike and plain and all(bool(theirs.get(one)) == bool(mine.get(one)) for one in ("content", "tool_calls"))


def _case(place: Path, folder: Path) -> _Read | None:
    exchange = read_exchange_dir(place)
    if exchange.request is not None and exchange.request.method.upper() != "POST":
        return None
    safe, unsafe = normalize(exchange), normalize(exchange, unsafe=True)
    served = {CAME: _served(exchange), SAFE: _served(_as_live(exchange, safe), errors_left(safe))}
    if unsafe.exchange.body != safe.exchange.body:
        served[UNSAFE] = _served(_as_live(exchange, unsafe), errors_left(unsafe))
    tools = tools_of(exchange, served[SAFE].completion)
    case = Case(f"{folder.name}/{place.relative_to(folder)}", str(analyze(exchange).api), tools, served)
    labels = place / "labels.json"
    truth = json.loads(labels.read_text(encoding="utf-8")).get("truth") if labels.exists() else None
    base = exchange.notes.get("base")
    return _Read(case, base if isinstance(base, str) else None, truth)


def _as_live(exchange: Exchange, repaired: Normalized) -> Exchange:
    """The repaired answer as ``record --normalize`` sends it: a cut stays one, behind the error event."""
    return replace(repaired.exchange, ending=exchange.ending)


def _served(exchange: Exchange, left: tuple[str, ...] = ()) -> Served:
    completion = analyze(exchange).completion
    failed = exchange.head is None or exchange.head.status >= 400 or "error" in completion
    return Served(exchange, completion, failed or exchange.ending is not Ending.COMPLETE, left)


def _lawful(one: _Read, lawful: Iterable[_Read]) -> Served | None:
    """The stream that a case bends, as its own folder has it."""
    for other in lawful:
        if one.base == other.case.name.rpartition("/")[2] or (one.truth is not None and one.truth == other.truth):
            return other.case.served[CAME]
    if one.base is not None or one.truth is not None:
        return None
    told = _told(one.case.served[SAFE].completion)
    same = (other.case.served[CAME] for other in lawful if other.case.api == one.case.api)
    return next((body for body in same if _told(body.completion) == told), None)


def _told(completion: JsonObject) -> list[Any]:
    """What an answer says, without the ids that a server gives it."""
    calls = [one.get("function") or {} for one in completion.get("tool_calls") or ()]
    return [
        completion.get("content") or "",
        [(call.get("name"), str(call.get("arguments")).replace(" ", "")) for call in calls],
        completion.get("reasoning") or "",
        completion.get("usage") is not None,
        completion.get("finish_reason"),
    ]
