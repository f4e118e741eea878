"""`streamlab record`: the capture proxy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from streamlab.servers.relay import Route
    from streamlab.storage.recorder import Observer, RecorderProcess

_EXAMPLES = """\b
Examples:
  streamlab record --upstream https://api.openai.com/v1
  streamlab record --upstream http://127.0.0.1:8000/v1 --label nightly -- python my_client.py
  streamlab record --tap gateway=127.0.0.1:9100=http://127.0.0.1:4000 --tap model=127.0.0.1:9101=http://127.0.0.1:8000
"""


@click.command(epilog=_EXAMPLES)
@click.option("--upstream", metavar="URL", help="Base URL of the server to record, such as https://host/api/v4.")
@click.option("--listen", default="127.0.0.1:9100", show_default=True, metavar="HOST:PORT", help="Port 0: any free.")
@click.option("--tap", "taps", multiple=True, metavar="NAME=LISTEN=URL", help="Record several hops at once.")
@click.option("--db", type=click.Path(path_type=Path, dir_okay=False), help="The capture to write to.")
@click.option("--label", help="A word to find these exchanges by.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond loopback.")
@click.option("--idle-timeout", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="0: never.")
@click.option("--upstream-ca", metavar="FILE", help="PEM certificates to trust beside the system's.")
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ...]")
def command(
    upstream: str | None,
    listen: str,
    taps: tuple[str, ...],
    db: Path | None,
    label: str | None,
    allow_remote: bool,
    idle_timeout: float,
    upstream_ca: str | None,
    command_line: tuple[str, ...],
) -> None:
    """Stand between a client and a server and record every exchange.

    The path is left alone: an upstream https://host/api/v4 is reached at http://127.0.0.1:9100/api/v4.
    """
    from streamlab.servers.relay import bind, parse_listen, raise_file_limit
    from streamlab.storage.location import default_db
    from streamlab.storage.recorder import start

    routes = _routes(upstream, listen, taps, upstream_ca)
    addresses = [parse_listen(address, allow_remote=allow_remote) for address, _ in routes]
    raise_file_limit()
    listeners = [(bind(*address), route) for address, (_, route) in zip(addresses, routes, strict=True)]
    recorder = start(db or default_db(), label, _display, [sock for sock, _ in listeners])
    recorder.wait_ready()
    _announce(listeners, quiet=bool(command_line))
    code = _serve(listeners, recorder, idle_timeout, command_line)
    recorded = recorder.finish()
    raise SystemExit(code or (0 if recorded else 3))


def _routes(upstream: str | None, listen: str, taps: tuple[str, ...], ca_file: str | None) -> list[tuple[str, Route]]:
    """Listening address and route of each hop."""
    from streamlab.errors import UsageError
    from streamlab.servers.relay import Route
    from streamlab.servers.upstream import parse_upstream

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


def _display() -> Observer:
    from streamlab.report.live import live_display

    return live_display()


def _base_url(sock: socket.socket, route: Route) -> str:
    host, port = sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{route.upstream.path or '/v1'}"


def _announce(listeners: list[tuple[socket.socket, Route]], *, quiet: bool) -> None:
    """The base URL to paste: on standard output, unless that belongs to a command, and in words on standard error."""
    for sock, route in listeners:
        url = _base_url(sock, route)
        name = f"{route.tap}: " if route.tap else ""
        click.echo(f"{name}recording {route.upstream.origin}{route.upstream.path} at {url}", err=True)
        if not quiet:
            click.echo(f"OPENAI_BASE_URL={url}")


def _serve(
    listeners: list[tuple[socket.socket, Route]],
    recorder: RecorderProcess,
    idle_timeout: float,
    command_line: tuple[str, ...],
) -> int:
    """Relay until a signal comes or the command ends; returns its exit code."""
    import asyncio
    import gc

    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    gc.freeze()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_relay(listeners, recorder, idle_timeout, command_line))


async def _relay(
    listeners: list[tuple[socket.socket, Route]],
    recorder: RecorderProcess,
    idle_timeout: float,
    command_line: tuple[str, ...],
) -> int:
    import asyncio
    import signal

    from streamlab.servers.command import run_command
    from streamlab.servers.relay import Relay

    recorder.tap.on_broken = lambda: click.echo(
        "streamlab: warning: the recording process is gone; streams go on unrecorded", err=True
    )
    relay = Relay(recorder.tap, idle_timeout=idle_timeout)
    for sock, route in listeners:
        relay.serve(sock, route)
    try:
        if command_line:
            return await run_command(command_line, _base_url(*listeners[0]))
        told = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        await told.wait()
        return 0
    finally:
        await relay.stop()
