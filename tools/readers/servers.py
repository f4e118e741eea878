"""How servers end a stream whose handler failed: ``python tools/readers/servers.py [--write]``.

Installs what is pinned in servers.txt under build/readers, asks every set-up of python_servers.py over a socket, and
compares the outcome with servers.json (``--write``: takes it for that).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from run import held_to, python_environment, versions

HERE = Path(__file__).parent
RESULTS = HERE / "servers.json"
LAST_CHUNK = b"\r\n0\r\n\r\n"
_START_S = 30
_PATIENCE_S = 10


def main() -> int:
    """Every set-up."""
    python = python_environment("servers")
    words = [python, HERE / "python_servers.py"]
    setups = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    found: dict[str, dict[str, Any]] = {}
    for name, packages in setups.items():
        told = ", ".join(f"{one} {version}" for one, version in versions(python, packages).items())
        found[name] = {"versions": told, "end": _end(words, name)}
        print(f"{name}: {found[name]['end']}", file=sys.stderr)
    return held_to(RESULTS, found)


def _end(words: list[Any], name: str) -> str:
    """What a reader meets behind the second event."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = subprocess.Popen(
        [*words, name, str(port)], cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with _connected(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return _told(*_read(connection))
    finally:
        serving.terminate()
        try:
            serving.wait(5)
        except subprocess.TimeoutExpired:
            serving.kill()


def _connected(port: int) -> socket.socket:
    for _ in range(_START_S * 10):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port} within {_START_S} s")


def _read(connection: socket.socket) -> tuple[bytes, str]:
    answer = b""
    while not answer.endswith(LAST_CHUNK):
        try:
            piece = connection.recv(65_536)
        except TimeoutError:
            return answer, "open"
        if not piece:
            return answer, "closed"
        answer += piece
    return answer, "closed"


def _told(answer: bytes, state: str) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"data: two" not in body:
        raise SystemExit(f"not the stream that was to come: {answer!r}")
    if state == "open":
        return f"nothing for {_PATIENCE_S} s, the connection stays open"
    if b"chunked" not in head.lower():
        return "closed, as a whole answer without a length is"
    return "whole" if body.endswith(LAST_CHUNK) else "cut"


if __name__ == "__main__":
    sys.exit(main())
