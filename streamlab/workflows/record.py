"""Recording wired up: listening sockets, the writer process, the relay between them, and a command to run beside.

Needs fork. Call `record` before threads or an event loop exist.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streamlab.errors import UsageError
from streamlab.ports import ResponseTransformer
from streamlab.servers.access import Access
from streamlab.servers.command import run_command
from streamlab.servers.listening import bind, parse_listen, raise_file_limit
from streamlab.servers.relay import Relay, Route
from streamlab.servers.unexpected import tell_unexpected
from streamlab.servers.upstream import parse_upstream
from streamlab.sharing.wanted import Masking
from streamlab.storage.frames import Layout
from streamlab.storage.recorder_process import RecorderProcess, Recording, start
from streamlab.workflows.collecting import collect_rarely
from streamlab.workflows.record_display import Telling

#: What ends a recorder in order.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Listener = tuple[socket.socket, Route]


@dataclass(frozen=True, slots=True)
class RepairMode:
    """What is done to answers on their way to the client: repairs that need a guess too; empty ones asked for again."""

    unsafe: bool = False
    retry_unstreamed: bool = False
    failures: list[str] = field(default_factory=list)  # what repairs of ours raised

    @property
    def word(self) -> str:
        """For who mends the same again."""
        return "unsafe" if self.unsafe else "mended"

    def factory(self, warn: Callable[[str], None]) -> Callable[[], ResponseTransformer]:
        """Makes the transformer of one connection; ``warn`` is told of repairs of ours that raise."""
        # Imported here, so that the repairs cost a plain recording nothing.
        from streamlab.repairing.courses import Courses
        from streamlab.repairing.loading import load_repairs
        from streamlab.servers.normalizing import RepairingTransformer

        load_repairs(unsafe=self.unsafe)

        def failed(why: str) -> None:
            if not self.failures:
                warn(f"a repair raised ({why}): the answer went on as it came; its exchange says so in a note")
            self.failures.append(why)

        return functools.partial(
            RepairingTransformer,
            unsafe=self.unsafe,
            retry_unstreamed=self.retry_unstreamed,
            failed=failed,
            courses=Courses(),
        )


def hops(upstream: str | None, listen: str, taps: Iterable[str], ca_file: str | None) -> list[tuple[str, Route]]:
    """Listening address and route of each hop: one ``upstream``, or ``taps`` as NAME=LISTEN=URL. Raises UsageError."""
    taps = tuple(taps)
    if bool(upstream) == bool(taps):
        raise UsageError("give either --upstream URL or --tap NAME=LISTEN=URL, to say what to record")
    if upstream:
        return [(listen, Route(parse_upstream(upstream, ca_file)))]
    routes = []
    for text in taps:
        name, _, rest = text.partition("=")
        address, equals, url = rest.partition("=")
        if not name or not equals:
            raise UsageError(f"--tap {text!r} is not NAME=LISTEN=URL")
        routes.append((address, Route(parse_upstream(url, ca_file), name)))
    return routes


def listeners(routes: Sequence[tuple[str, Route]], *, allow_remote: bool) -> list[Listener]:
    """Bound sockets for all hops. Raises UsageError for an address, CouldNotRunError when one is taken."""
    addresses = [parse_listen(address, allow_remote=allow_remote) for address, _ in routes]
    raise_file_limit()
    return [(bind(*address), route) for address, (_, route) in zip(addresses, routes, strict=True)]


def base_url(listener: Listener, access: Access) -> str:
    """What a client is given instead of the upstream's base URL."""
    sock, route = listener
    host, port = sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{access.prefix}{route.upstream.path or '/v1'}"


def record(
    bound: Sequence[Listener],
    db: Path,
    *,
    label: str | None = None,
    idle_timeout: float = 0.0,
    access: Access | None = None,
    repair_mode: RepairMode | None = None,
    telling: Telling | None = None,
    command: Sequence[str] = (),
    max_size: int | None = None,
    masking: Masking | None = None,
    layout: Layout | None = None,
    beside: Callable[[], Callable[[], None]] = lambda: lambda: None,
    announce: Callable[[], None],
    warn: Callable[[str], None],
    note: Callable[[str], None] = lambda _: None,
) -> int:
    """Record until SIGINT, SIGTERM or SIGHUP, or until ``command`` (told the last tap) ends; returns the code.

    ``announce`` is called when everything is ready: from then on a signal ends it in order. ``warn`` gets what somebody
    should know, ``note`` how it stands; neither may wait. ``max_size`` bounds the database, whose oldest exchanges go;
    with ``masking`` bodies are masked first. ``beside`` starts what works on the database meanwhile and gives what ends
    it after the last exchange. The code is the command's; without one 0, or 3 when something could not be recorded or a
    repair raised. Raises UnreadableInputError when ``db`` is no capture.
    """
    telling = telling or Telling()
    display = telling.display(db, repair_mode.word if repair_mode is not None else None)
    recorder = start(Recording(db, label, display, max_size, masking, layout or Layout()))
    transformer = repair_mode.factory(warn) if repair_mode is not None else None
    finish_beside = _get_ready(recorder, beside, announce)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        relay = functools.partial(
            Relay, recorder.tap, idle_timeout=idle_timeout, transformer=transformer, access=access, remark=warn
        )
        until = functools.partial(run_command, command, base_url(bound[-1], access or Access())) if command else _told
        code = runner.run(_relay(relay, bound, until, telling.status(recorder.status, note), recorder, warn))
    recorded = recorder.finish()
    finish_beside()
    return code or (0 if recorded and not (repair_mode and repair_mode.failures) else 3)


def _get_ready(
    recorder: RecorderProcess, beside: Callable[[], Callable[[], None]], announce: Callable[[], None]
) -> Callable[[], None]:
    """From here on a signal ends it in order; returns what ends ``beside``."""
    recorder.wait_ready()
    finish_beside = beside()
    hold_signals()
    announce()
    collect_rarely()
    return finish_beside


def hold_signals() -> None:
    """From here on signals that end us wait until somebody handles them, so that none ends us without order."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def release_signals() -> None:
    """Handlers are in place."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _relay(
    make_relay: Callable[[], Relay],
    bound: Sequence[Listener],
    until: Callable[[Callable[[], None]], Awaitable[int]],
    status: Coroutine[None, None, None],
    recorder: RecorderProcess,
    warn: Callable[[str], None],
) -> int:
    recorder.watch(warn)
    tell_unexpected(warn)
    relay = make_relay()
    for sock, route in bound:
        relay.serve(sock, route)
    telling = asyncio.create_task(status)
    try:
        return await until(release_signals)
    finally:
        telling.cancel()
        hold_signals()  # what is left to be done is done
        await relay.stop()
        recorder.unwatch()


async def _told(on_ready: Callable[[], None]) -> int:
    """Until a signal comes."""
    told = asyncio.Event()
    for number in STOPPING:
        # Who started us under nohup wants us to go on after a hangup.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, told.set)
    on_ready()
    await told.wait()
    return 0
