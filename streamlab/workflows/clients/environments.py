"""The environments in which clients are installed: one each, made on first use from the locks, in the user's cache.

Python's are made by uv where it is there and by venv and pip where not; those of Node.js by npm. An environment is
named by what is in it, so that another lock makes another one; it counts as made once it holds its marker.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from streamlab.clients.setups import ClientSetup
from streamlab.errors import CouldNotRunError
from streamlab.workflows.clients.installing import Installers

_MARKER = ".complete"
#: Of the clients here, the neediest wants this Node.js; where another is installed, one of its own is fetched.
_NODE_MAJOR, _NODE_WANTED = 22, "24"
DRIVERS = Path(str(files("streamlab.clients"))) / "drivers"
_LOCKS = Path(str(files("streamlab.clients"))) / "locks"


class Driver(NamedTuple):
    """What runs a client: the set-up, the interpreter, the folder the client is installed in, and that of drivers."""

    setup: ClientSetup
    runner: Path
    home: Path
    folder: Path = DRIVERS


def default_folder() -> Path:
    """Where environments are kept: in the user's cache."""
    return user_cache_path("streamlab", appauthor=False) / "clients"


class Environments:
    """The environments below a folder. ``tell`` is given a line when one is made; ``latest`` leaves the locks aside."""

    def __init__(self, folder: Path, tell: Callable[[str], object] = bool, *, latest: bool = False) -> None:
        self.folder = folder
        self._tell = tell
        self._latest = latest
        self._renewed: set[Path] = set()
        self._installers = Installers()

    def stop(self) -> None:
        """End what is being installed: nobody waits for it any more."""
        self._installers.stop()

    def home(self, setup: ClientSetup) -> Path:
        """Where a client is or would be installed."""
        name = setup.environment
        if self._latest:
            return self.folder / setup.language / f"{name}-latest"
        digest = sha256()
        for path in _locked(setup):
            digest.update(path.read_bytes())
        if setup.language == "python":
            digest.update(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())
        return self.folder / setup.language / f"{name}-{digest.hexdigest()[:10]}"

    def installed(self, setup: ClientSetup) -> bool:
        """Whether its environment is made."""
        return (self.home(setup) / _MARKER).exists()

    def driver(self, setup: ClientSetup) -> Driver:
        """What runs it, its environment made where it is not there. Raises CouldNotRunError."""
        return Driver(setup, self._runner(setup), self.home(setup))

    def _runner(self, setup: ClientSetup) -> Path:
        home = self.home(setup)
        if not self.installed(setup) or (self._latest and home not in self._renewed):
            with self._installers.alone(home.with_name(f".{home.name}.lock"), setup.name):
                if not self.installed(setup) or self._latest:
                    self._make(setup, home)
                    self._renewed.add(home)
        if setup.language == "python":
            return home / "bin" / "python"
        return self._node()

    def _make(self, setup: ClientSetup, home: Path) -> None:
        what = "the newest" if self._latest else "locked versions"
        self._tell(f"making the environment of {setup.name}: {setup.package} and what it needs, {what} …")
        if not self._latest:
            shutil.rmtree(home, ignore_errors=True)
        if setup.language == "python":
            self._make_python(setup, home)
        else:
            self._make_node(setup, home)
        home.mkdir(parents=True, exist_ok=True)
        (home / _MARKER).touch()

    def _make_python(self, setup: ClientSetup, home: Path) -> None:
        wanted, locked = _locked(setup)
        listed = wanted if self._latest else locked
        uv = shutil.which("uv")
        python = str(home / "bin" / "python")
        newest = ["--upgrade"] if self._latest else []
        if uv is not None:
            if not Path(python).exists():
                self._run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], setup)
            self._run([uv, "pip", "install", "--quiet", "--python", python, *newest, "-r", str(listed)], setup)
        else:
            if not Path(python).exists():
                self._run([sys.executable, "-m", "venv", str(home)], setup)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            self._run([*pip, *newest, "-r", str(listed)], setup)
        generated = DRIVERS / setup.environment  # what a client is generated from, where it is generated code
        if generated.is_dir():
            shutil.copytree(generated, home, dirs_exist_ok=True)
            [generator] = (home / "bin").glob(f"{setup.environment}-cli")
            self._run([str(generator), "generate", "--from", str(home / f"{setup.environment}_src")], setup)

    def _make_node(self, setup: ClientSetup, home: Path) -> None:
        manifest, lock = _locked(setup)
        home.mkdir(parents=True, exist_ok=True)
        names = list(json.loads(manifest.read_bytes())["dependencies"])
        shutil.copy(manifest, home)
        if self._latest:
            self._run([*_npm(setup), "install", *_QUIET, *(f"{name}@latest" for name in names)], setup, home)
        else:
            shutil.copy(lock, home)
            self._run([*_npm(setup), "ci", *_QUIET], setup, home)

    def _node(self) -> Path:
        """Node.js as it is installed, or where that is too old one from the registry."""
        found = shutil.which("node")
        if found is not None and _major(found) >= _NODE_MAJOR:
            return Path(found)
        home = self.folder / "node" / f"runtime-{_NODE_WANTED}"
        package = f"node-{_system()}"
        node = home / "node_modules" / package / "bin" / "node"
        with self._installers.alone(home.with_name(f".{home.name}.lock"), _called(None)):
            if not (home / _MARKER).exists():
                self._tell(f"fetching Node.js {_NODE_WANTED}: clients need {_NODE_MAJOR} or newer …")
                home.mkdir(parents=True, exist_ok=True)
                (home / "package.json").write_text('{"private": true}\n', encoding="utf-8")
                self._run([*_npm(None), "install", *_QUIET, f"{package}@{_NODE_WANTED}"], None, home)
                (home / _MARKER).touch()
        return node

    def _run(self, command: list[str], setup: ClientSetup | None, folder: Path | None = None) -> None:
        self._installers.run(command, _called(setup), folder)


_QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error")


def _locked(setup: ClientSetup) -> tuple[Path, Path]:
    """What is wanted, and the lock of it."""
    if setup.language == "python":
        folder = _LOCKS / "python"
        return folder / f"{setup.environment}.in", folder / f"{setup.environment}.txt"
    folder = _LOCKS / "node" / setup.environment
    return folder / "package.json", folder / "package-lock.json"


def _npm(setup: ClientSetup | None) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        which = setup.name if setup is not None else "clients in JavaScript"
        raise CouldNotRunError(f"{which}: npm is not installed; it comes with Node.js: https://nodejs.org/")
    return [npm]


def _major(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    number = told.removeprefix("v").partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _system() -> str:
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return f"{'darwin' if sys.platform == 'darwin' else 'linux'}-{'arm64' if arm else 'x64'}"


def _called(setup: ClientSetup | None) -> str:
    return setup.name if setup is not None else "Node.js"


def locked_version(setup: ClientSetup) -> str | None:
    """The version of the client's own package that its lock names."""
    _, lock = _locked(setup)
    if setup.language == "node":
        found = json.loads(lock.read_bytes())["packages"].get(f"node_modules/{setup.package}") or {}
        return found.get("version")
    wanted = setup.package.lower().replace("_", "-")
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if name.partition("[")[0].lower().replace("_", "-") == wanted:
            return version.split()[0]
    return None
