"""``streamlab tui --web``: the same workbench in a browser. This part looks at what was asked for and listens;
`web_server` talks to browsers, and `web_app` is the workbench that each of them gets."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from streamlab.about import requirement
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.servers.listening import bind, parse_listen
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.opening import open_target
from streamlab.tui.watcher import watching

#: Addresses for documentation. Nobody answers there, but the route there says which address of ours others reach.
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def serve(target: str | None, db: Path | None, listen: str) -> None:
    """Serve until SIGTERM, or SIGINT, which raises KeyboardInterrupt. Everything that can be wrong is found before
    the first browser comes.

    Raises UsageError for an address, NotFoundError and UnreadableInputError for a TARGET, and CouldNotRunError where
    textual-serve is not installed or the port is taken.
    """
    address = parse_listen(listen, allow_remote=True)
    if find_spec("textual_serve") is None:
        raise CouldNotRunError(f"--web needs textual-serve: pip install '{requirement('web')}'")
    if target == "-":
        raise UsageError("--web reads no stdin: every browser opens the TARGET anew; save the stream to a file")
    _try(target, db)
    from streamlab.tui.web_server import run

    with bind(*address) as listener:
        local = is_loopback(listener)
        if not local:
            print(
                "streamlab: whoever learns this address can read every capture and write files here, "
                "and it goes over the network in the clear",
                file=sys.stderr,
            )
        token = secrets.token_urlsafe(16)  # other users of this machine reach the port, but not the capture's file
        print(f"the workbench is at {url_of(listener)}/~{token} (Ctrl-C ends it)", flush=True)
        interrupted = run(listener, target, db, token, local=local)
    if interrupted:
        raise KeyboardInterrupt


def _try(target: str | None, db: Path | None) -> None:
    opened = open_target(target, db)
    try:
        if opened.path.exists():  # a database that a recorder has not made yet is waited for
            CaptureDB(opened.path).close()
            watching(opened).close()
    finally:
        opened.close()


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """What to type into a browser. Nobody can go to "every address", so that becomes the one others reach us by."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = _outward_address(listener.family)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _outward_address(family: socket.AddressFamily) -> str:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ELSEWHERE[family], 9))  # UDP: this chooses a route and sends nothing
        except OSError:
            return "127.0.0.1" if family == socket.AF_INET else "::1"
        return str(probe.getsockname()[0])
