"""A fixture replayed to a test that somebody wrote: what was asked is held against what was recorded.

What a test leaves behind travels as properties of its report (``user_properties``), so that it is whole under
pytest-xdist as well; `Usage` reads them where the run is told.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamlab.apis import parted_path
from streamlab.config import load_config
from streamlab.errors import StreamlabError
from streamlab.playback.matching import Match, Rung
from streamlab.servers.access import is_loopback
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.workflows.replay import BackgroundReplay, replay

_SHOWN = 8


def open_replay(homes: Sequence[Path], root: Path, match: str, options: dict[str, Any]) -> BackgroundReplay:
    """The server for a test, not started; ``options`` are the keywords of its marker. Raises UsageError."""
    options = dict(options)
    speed = float(options.pop("speed", 0))
    mode = options.pop("match", match)
    ignore = (*load_config(root).ignore_members, *options.pop("ignore", ()))
    return replay(*homes, speed=speed, match=mode, ignore=ignore, prefix=_prefix(homes[0]), **options)


def _prefix(home: Path) -> str:
    """What stands before the API's own path in the recorded request, so that a client's base URL leads there."""
    request = read_exchange_dir(home).request
    prefix, end = parted_path(request.url if request is not None else "")
    return prefix if end else "/v1"


def left_behind(server: BackgroundReplay, names: Sequence[str], match: str) -> dict[str, Any]:
    """What the report of a test carries: the fixtures it named and was answered with, and what differed."""
    served = {one.playable.candidate.names[0] for one in server.requests if one.playable is not None}
    tolerated = sorted({line for one in server.requests for line in one.tolerated})
    other = sum(one.rung is Rung.ANY for one in server.requests)
    return {"named": list(names), "served": sorted(served), "match": match, "tolerated": tolerated, "other": other}


def complaint(server: BackgroundReplay) -> str | None:
    """Why a test fails although it passed: requests that no recording answers; None when there were none."""
    missed = [one.miss for one in server.requests if one.miss is not None]
    if not missed:
        return None
    lines = [f"{len(missed)} request{'s' * (len(missed) != 1)} found no recording:"]
    for miss in missed[:_SHOWN]:
        if not miss.nearest:
            lines.append(f"  {miss.message}")
            continue
        lines.append(f"  the nearest is {miss.nearest}:")
        lines += [f"    {one}" for one in miss.differences[:_SHOWN]]
        if len(miss.differences) > _SHOWN:
            lines.append(f"    and {len(miss.differences) - _SHOWN} more")
        if miss.ignore:
            listed = json.dumps(list(miss.ignore))
            lines.append(f"    if that may differ, add to the marker: ignore={listed}")
            lines.append(f"    or to [tool.streamlab] of pyproject.toml: ignore-members = {listed}")
    return "\n".join(lines)


@contextmanager
def no_network(allowed: bool) -> Iterator[None]:
    """Refuse connections to other machines from this process while a test replays; ``allowed`` lets them through."""
    if allowed:
        yield
        return
    _Guard.install()
    _Guard.closed += 1
    try:
        yield
    finally:
        _Guard.closed -= 1


class NetworkBlockedError(StreamlabError, ConnectionError):
    """A test that replays wanted to reach another machine."""


class _Guard:
    """The audit hook that sees connections; hooks cannot be taken away, so it is put in once and asked to look away."""

    installed = False
    closed = 0

    @classmethod
    def install(cls) -> None:
        if not cls.installed:
            cls.installed = True
            sys.addaudithook(cls._seen)

    @classmethod
    def _seen(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or not cls.closed:
            return
        address = arguments[1]
        if isinstance(address, tuple) and address and not is_loopback(str(address[0]).removeprefix("::ffff:")):
            raise NetworkBlockedError(
                f"this test replays, and a connection to {address[0]}:{address[1]} was refused; "
                "let it through with network=True in the streamlab marker"
            )


class Usage:
    """Which fixtures a run has used, and what it let pass; told at its end, in the same words whichever test of several
    processes ends first."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._unasked: dict[str, str] = {}
        self._folders: set[Path] = set()
        self._loose: list[str] = []

    def fixture_tested(self, home: Path) -> None:
        """A fixture directory gave a test of its own."""
        self._used.add(str(home))

    def test_ended(self, test: str, left: dict[str, Any]) -> None:
        """What `left_behind` says of a test."""
        for name in left["named"]:
            self._folders.add(Path(name).parent)
            if Path(name).name in left["served"]:
                self._used.add(name)
            else:
                self._unasked[name] = min(test, self._unasked.get(name, test))
        if left["other"]:
            self._loose.append(f"{test}: match=any, {left['other']} answered with another request's recording")
        elif left["match"] != Match.STRICT and left["tolerated"]:
            self._loose.append(f"{test}: match={left['match']}, {'; '.join(left['tolerated'][:_SHOWN])}")

    def unused(self) -> list[str]:
        """A line for each fixture, in the folders of those that were named, that answered nothing and had no test."""
        beside = {str(path.parent) for folder in self._folders for path in folder.glob("*/exchange.json")}
        lines = [f"{name}: named by {test}, which never asked for it" for name, test in self._unasked.items()]
        lines += [f"{name}: no test that ran names it" for name in beside - set(self._unasked)]
        return sorted(line for line in lines if line.split(": ")[0] not in self._used)

    def lines(self) -> Iterable[str]:
        """What the end of a run says; nothing when all was exact and used."""
        if self._loose:
            yield "requests that differ from their recordings were answered:"
            yield from (f"  {one}" for one in sorted(self._loose))
        if unused := self.unused():
            yield "fixtures that answered nothing in this run:"
            yield from (f"  {one}" for one in unused)
