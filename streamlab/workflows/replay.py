"""Replay wired up: targets to playables, a server until a signal comes, or one in the background for tests."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from streamlab.errors import UnreadableInputError, UsageError
from streamlab.exchange import Ending, Exchange, Request
from streamlab.playback.faults import Faults, parse_faults
from streamlab.playback.faulty import faulty
from streamlab.playback.matching import Match, Rung, candidate, target_of
from streamlab.playback.personality import Personality, impersonated
from streamlab.playback.personality import personality as by_name
from streamlab.playback.script import Finish, PlannedFault, Script, Transform, parse_segments, script
from streamlab.servers.access import Access
from streamlab.servers.listening import bind, raise_file_limit
from streamlab.servers.replay import Playable, Played, ReplayServer, Timing
from streamlab.servers.stepping import Gate
from streamlab.servers.unexpected import tell_unexpected
from streamlab.storage.targets import Target, find
from streamlab.wire.visible import visible
from streamlab.workflows.collecting import collect_rarely


def parse_fault(
    cut_after: str | None = None, reset_after: str | None = None, stall_after: str | None = None
) -> PlannedFault | None:
    """The one fault asked for: ``120`` is body bytes, ``3e`` is events. Raises UsageError."""
    asked = [
        (finish, text)
        for finish, text in ((Finish.FIN, cut_after), (Finish.RST, reset_after), (Finish.HOLD, stall_after))
        if text is not None
    ]
    if not asked:
        return None
    if len(asked) > 1:
        raise UsageError("give one of --cut-after, --reset-after and --stall-after")
    finish, text = asked[0]
    number = text.removesuffix("e")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise UsageError(f"{text!r} is neither a number of bytes (120) nor of events (3e)")
    return PlannedFault(finish, int(number), text.endswith("e"))


def playables(
    targets: Iterable[str],
    db: Path | None = None,
    *,
    segments: str = "recorded",
    normalize: bool = False,
    cut_after: str | None = None,
    reset_after: str | None = None,
    stall_after: str | None = None,
    faults: Faults | None = None,
    personality: str | None = None,
    speed: float = 1.0,
    warn: Callable[[str], object] = bool,
) -> list[Playable]:
    """What the server can play, in the order of the targets. Raises UsageError, NotFoundError, UnreadableInputError.

    One exchange of several that cannot be read is told to ``warn`` and left out; where none can, the first says why.
    ``personality`` names the system as which clean chat streams are played (``playback/personality.py``). ``faults``
    take their own time, whatever ``speed`` does to the recorded one: play them at `speed_of`.
    """
    cutting = parse_segments(segments)
    fault = parse_fault(cut_after, reset_after, stall_after)
    system = by_name(personality) if personality is not None else None
    changes = _Changes(cutting, fault, repaired if normalize else None, faults, speed, system)
    found = [target for name in targets for target in find(name, db)]
    made, unreadable = [], []
    for target in found:
        try:
            made.append(_playable(target, changes, warn))
        except UnreadableInputError as error:
            unreadable.append(error)
    if unreadable and not made:
        raise unreadable[0]
    for left_out in unreadable:
        warn(f"streamlab: warning: left out: {left_out}")
    return made


@dataclass
class _Changes:
    """What is changed of each exchange on its way out; counts the requests, for faults that are over after some."""

    segments: str | int
    fault: PlannedFault | None
    transform: Transform | None
    faults: Faults | None
    speed: float
    system: Personality | None = None
    requests: Iterator[int] = field(default_factory=itertools.count)

    def script(self, exchange: Exchange) -> Script:
        if self.system is not None:
            exchange = impersonated(exchange, self.system).exchange
        if self.faults is not None:
            exchange = faulty(exchange, self.faults, speed=self.speed, request=next(self.requests))
        return script(exchange, segments=self.segments, fault=self.fault, transform=self.transform)


def speed_of(faults: Faults | None, speed: float) -> float:
    """How fast the server plays: times of exchanges with faults are scaled when the faults are put in."""
    return speed if faults is None else 1.0


def _playable(target: Target, changes: _Changes, warn: Callable[[str], object]) -> Playable:
    with target.opened() as exchange:
        names = [str(target.id)] if target.id is not None else []
        names += [Path(target.path).resolve().name] if target.id is None else []
        names += [exchange.label] if exchange.label else []
        status = "no response" if exchange.head is None else f"HTTP {exchange.head.status}"
        title = f"{target.source} ({status}, {exchange.ending})"
        known = candidate(names, exchange.request)
        if changes.system is not None:
            shown = ", ".join(impersonated(exchange, changes.system).shown)
            told = f"as {changes.system.dialect.name}: {shown}" if shown else "as it is: no complete chat stream"
            warn(f"streamlab: {target.source} plays {told}")

    @contextmanager
    def opened() -> Iterator[Script]:
        with target.opened() as exchange:
            yield changes.script(exchange)

    return Playable(known, title, opened)


@contextmanager
def held(ready: Script) -> Iterator[Script]:
    """A script that needs nothing kept open."""
    yield ready


def repaired(exchange: Exchange) -> tuple[Exchange, Iterator[tuple[int | None, bytes]]]:
    """The exchange as its normalized self, as it comes through a recorder that mends: head and bytes of the mended
    stream, each piece at the time of the read that let it out, and the recorded ending."""
    from streamlab.repairing.normalizer import Normalizer

    normalizer = Normalizer(exchange.request, exchange.head)
    if exchange.head is None or normalizer.passes_through:
        return exchange, ((segment.offset_us, segment.data) for segment in exchange.segments)
    # Mending goes on while it plays, so how long the body will be is not known.
    head = replace(normalizer.head or exchange.head, http_version="1.1")
    kept = tuple(one for one in head.headers if one[0].lower() not in ("transfer-encoding", "connection"))
    head = replace(head, headers=(*kept, ("transfer-encoding", "chunked")))

    def pieces() -> Iterator[tuple[int | None, bytes]]:
        for segment in exchange.segments:
            yield segment.offset_us, normalizer.feed(segment.data)
        yield exchange.end_us, normalizer.finish(exchange.ending)

    return replace(exchange, head=head, http_chunks=None, ending=mended_ending(exchange), notes={}), pieces()


def mended_ending(exchange: Exchange) -> Ending:
    """How a recorder that mends ends it: what was cut stays cut behind the error that says so, and so is silence."""
    return Ending.UPSTREAM_CUT if exchange.ending is Ending.TIMED_OUT else exchange.ending


def played_line(played: Played) -> str:
    """One request for the log; a miss is loud."""
    asked = f"{visible(played.method, 20)} {visible(played.target, 100)}"
    if played.playable is None:
        return f"404 {asked}: {visible(played.message, 600)}"
    differs = "another request was recorded" if played.rung is Rung.ANY else "; ".join(played.tolerated[:3])
    return f"{asked} ← {visible(played.message, 200)}{f' ({visible(differs, 300)})' if differs else ''}"


@dataclass
class MatchTally:
    """How requests were answered, in numbers. A broken-off or unreadable recording counts as missed."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        """One more request."""
        self.counts["missed" if played.rung is None else str(played.rung)] += 1

    @property
    def missed(self) -> int:
        """Requests that no recording answered."""
        return self.counts["missed"]

    @property
    def line(self) -> str:
        """``5 requests: 3 exact, 1 tolerated, 1 missed``."""
        total = self.counts.total()
        each = [f"{self.counts[kind]} {word}" for kind, word in _TALLIED.items() if self.counts[kind]]
        return f"{total} request{'s' * (total != 1)}" + (f": {', '.join(each)}" if each else "")


_TALLIED = {
    Rung.EXACT: "exact",
    Rung.TOLERATED: "tolerated",
    Rung.NAMED: "by name",
    Rung.ANY: "answered with another request's recording",
    "missed": "missed",
}


def timing_line(timing: Timing) -> str:
    """How exactly the schedule was kept, for the log."""
    p50, p99, earliest = timing.percentile_us(50), timing.percentile_us(99), timing.earliest_us
    count = len(timing.errors_ns)
    return f"{count} writes, timing error p50 {p50:.0f} µs, p99 {p99:.0f} µs, earliest {earliest:+.0f} µs"


def serve(
    listener: socket.socket,
    loaded: Sequence[Playable],
    speed: float,
    on_played: Callable[[Played], None],
    on_ready: Callable[[], None] = lambda: None,
    *,
    match: Match = Match.STRICT,
    ignore: Sequence[str] = (),
    access: Access | None = None,
    gate: Gate | None = None,
    remark: Callable[[str], object] = bool,
) -> Timing:
    """Serve until SIGINT or SIGTERM; how late the writes were. With a ``gate``, Enter is a step.

    ``on_ready`` is called when nothing is left to set up: the first request is to be as punctual as the others.
    ``on_played`` and ``remark`` must not wait. Raises UsageError for an ``ignore`` that is no path.
    """
    raise_file_limit()

    async def run() -> Timing:
        tell_unexpected(remark)
        server = ReplayServer(
            listener,
            loaded,
            speed=speed,
            match=match,
            ignore=ignore,
            access=access,
            gate=gate,
            on_played=on_played,
            remark=remark,
        )
        if gate is not None:
            _step_by_enter(gate, remark)
        await _until_told(on_ready)
        server.stop()
        return server.timing

    return asyncio.run(run())


async def _until_told(on_ready: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    collect_rarely()
    on_ready()
    await told.wait()


def _step_by_enter(gate: Gate, remark: Callable[[str], object]) -> None:
    """Each line on standard input is a step, where there is one that can be waited for."""
    loop = asyncio.get_running_loop()

    def entered() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            return
        count = gate.step()
        remark(f"step: {count} answer{'s' * (count != 1)} went on" if count else "no answer waits for a step")

    with contextlib.suppress(OSError, ValueError, NotImplementedError):
        loop.add_reader(sys.stdin, entered)


def replay(
    *targets: str | os.PathLike[str],
    db: Path | None = None,
    speed: float = 0.0,
    match: Match | str = Match.STRICT,
    ignore: Sequence[str] = (),
    fault: str | Sequence[str] = (),
    prefix: str = "/v1",
    **options: Any,
) -> BackgroundReplay:
    """A replay server of these TARGETs for a ``with`` block. Raises UsageError, NotFoundError, UnreadableInputError.

    ``match`` ("strict", "ladder", "any") and ``ignore`` (paths such as ``messages[*].id``) say what may differ in a
    request, ``fault`` ("at 7e: drop", "429 retry-after=7") what goes wrong (``playback/faults.py``), ``personality``
    ("glm4") as which system clean streams are played; other options are those of `playables`.
    """
    faults = parse_faults([fault] if isinstance(fault, str) else fault) if fault else None
    loaded = playables([os.fspath(target) for target in targets], db, faults=faults, speed=speed, **options)
    return BackgroundReplay(loaded, speed=speed_of(faults, speed), match=Match(match), ignore=ignore, prefix=prefix)


class BackgroundReplay:
    """A replay server on a free loopback port in a thread of its own, for tests and notebooks.

    ``with BackgroundReplay(playables, speed=0) as replay: client(base_url=replay.base_url)``. ``misses`` holds the
    explanation of every request that nothing answered, ``requests`` everything that was asked.
    """

    def __init__(
        self,
        loaded: Sequence[Playable],
        *,
        speed: float = 0.0,
        address: tuple[str, int] = ("127.0.0.1", 0),
        match: Match = Match.STRICT,
        ignore: Sequence[str] = (),
        access: Access | None = None,
        gate: Gate | None = None,
        prefix: str = "/v1",
    ) -> None:
        self._loaded = loaded
        self._prefix = prefix
        self._made = functools.partial(ReplayServer, speed=speed, match=match, ignore=ignore, access=access, gate=gate)
        self._server: ReplayServer | None = None
        self._thread = threading.Thread(target=self._run, name="streamlab-replay", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._listener = bind(*address)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self.requests: list[Played] = []
        self.timing = Timing()

    @property
    def url(self) -> str:
        """The origin, ``http://127.0.0.1:PORT``."""
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL: the origin and ``prefix``."""
        return f"{self.url}{self._prefix}"

    def url_of(self, request: Request) -> str:
        """Where the same request is answered here."""
        return f"{self.url}{target_of(request.url)}"

    def load(self, loaded: Sequence[Playable]) -> None:
        """Play these from the next request on."""
        self._loaded = loaded
        if self._server is not None:
            self._server.load(self._loaded)

    @property
    def misses(self) -> list[str]:
        """Why requests were not answered."""
        return [one.message for one in self.requests if one.playable is None]

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # told to whoever waits for the server
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = self._made(self._listener, self._loaded, on_played=self.requests.append)
        self._server = server
        self.timing = server.timing
        self._ready.set()
        await self._stop.wait()
        server.stop()
