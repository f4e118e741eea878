"""Installers as processes: given what they need to install and no key of the user's, and ended when nobody waits."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from streamlab.errors import CouldNotRunError

_LIMIT_S, _LOOK_S = 1800, 0.1
#: Packages run code of theirs while they are installed: of the caller's environment they see what finds programs,
#: proxies, certificates and registries, and nothing else.
_PASSED_ON = frozenset(
    ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ", "SYSTEMROOT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
     "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
)  # fmt: skip
_PASSED_ON_FAMILIES = ("LC_", "XDG_", "UV_", "PIP_", "NPM_CONFIG_")


def installers_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What installers see of an environment."""
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in _PASSED_ON or name.upper().startswith(_PASSED_ON_FAMILIES)
    }


class Installers:
    """Runs installers, one process group each; `stop` ends those that run, and lets none start any more."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """From any thread; who waits for an installer or for its turn gets CouldNotRunError."""
        with self._lock:
            self._stopped.set()
            for group in self._running:
                _end(group)

    def run(self, command: list[str], who: str, folder: Path | None = None) -> None:
        """Run an installer of ``who``. Raises CouldNotRunError with what it said last."""
        with self._lock:
            self._go_on(who)
            process = subprocess.Popen(
                command, cwd=folder, env=installers_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
            self._running.add(process.pid)
        try:
            out, err = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise CouldNotRunError(f"{who}: not installed within {_LIMIT_S} s") from None
        finally:
            self._let_go(process)
        self._go_on(who)
        if process.returncode:
            said = [line.strip() for line in (err or out).splitlines() if line.strip()]
            tool = Path(command[0]).name
            raise CouldNotRunError(f"{who} cannot be installed: {tool}: {' / '.join(said[-3:]) or 'no reason given'}")

    def _let_go(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process.pid)
            if process.returncode is None:
                _end(process.pid)
        process.wait()

    def _go_on(self, who: str) -> None:
        if self._stopped.is_set():
            raise CouldNotRunError(f"{who}: broken off")

    @contextmanager
    def alone(self, path: Path, who: str) -> Iterator[None]:
        """Held by one process or thread at a time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8") as lock:
            while True:
                self._go_on(who)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._stopped.wait(_LOOK_S)
            yield


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
