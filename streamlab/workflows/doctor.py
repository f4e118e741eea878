"""Looks at what streamlab stands on: versions, the database, ports, proxies, the clock, the environment of a child."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from streamlab import __version__
from streamlab.errors import StreamlabError
from streamlab.servers.command import BASE_URL_VARIABLES, ORIGIN_VARIABLES
from streamlab.storage.capture_db import SQLITE_VERSION, CaptureDB
from streamlab.storage.location import default_db

_PACKAGES = (
    "brotli", "click", "cryptography", "httpx", "msgspec", "rich", "sqlite-utils", "textual", "uvloop", "zstandard",
)  # fmt: skip
#: What record and replay listen on where nobody says.
_PORTS = (("record", 9100), ("replay", 9200))
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: A clock may be wrong by so much before it is said to go back: recordings of other machines come by import.
_SLACK = timedelta(minutes=5)


class Health(StrEnum):
    """How it is."""

    OK = "ok"
    NOTE = "note"  # works, and good to know
    WRONG = "wrong"


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: Health
    said: str


def examine(db: Path | None = None, environment: Mapping[str, str] | None = None) -> Iterator[Check]:
    """Each thing in turn."""
    found = os.environ if environment is None else environment
    path = db or default_db()
    yield from _versions()
    yield _database(path)
    yield _clock(path)
    for command, port in _PORTS:
        yield _port(command, port)
    yield from _proxies(found)
    yield from _base_url(found)


def _versions() -> Iterator[Check]:
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Check("version", Health.OK, f"streamlab {__version__}, {python}, SQLite {SQLITE_VERSION}")
    missing = [name for name in _PACKAGES if _version(name) is None and not (name == "uvloop" and os.name == "nt")]
    if missing:
        yield Check("packages", Health.WRONG, f"not installed: {', '.join(missing)}")
    else:
        yield Check(
            "packages", Health.OK, ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if _version(name))
        )
    if not hasattr(os, "fork"):
        yield Check("system", Health.NOTE, "record, replay and probe need Linux or macOS")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _database(path: Path) -> Check:
    if not path.exists():
        return Check("database", *_place_for(path))
    try:
        with CaptureDB(path) as database:
            problems = [str(row[0]) for row in database.query("PRAGMA integrity_check(3)")]
            if problems != ["ok"]:
                return Check("database", Health.WRONG, f"{path}: {'; '.join(problems)}")
            return Check("database", Health.OK, f"{path}: {database.count():,} exchanges, intact")
    except StreamlabError as error:
        return Check("database", Health.WRONG, str(error) if str(path) in str(error) else f"{path}: {error}")


def _place_for(path: Path) -> tuple[Health, str]:
    folder = next((one for one in path.absolute().parents if one.exists()), path.absolute().parent)
    if folder.is_dir() and os.access(folder, os.W_OK):
        return Health.OK, f"{path}: not there yet; the first recording makes it"
    return Health.WRONG, f"{path}: not there, and {folder} cannot be written"


def _clock(path: Path) -> Check:
    """A clock that is behind what was recorded makes later recordings look older."""
    now = datetime.now(UTC)
    try:
        with CaptureDB(path) as database:
            newest = database.query("SELECT max(started_at) FROM exchanges")[0][0]
        last = datetime.fromisoformat(newest).astimezone(UTC)
    except (StreamlabError, TypeError, ValueError):
        last = None
    if last is not None and last > now + _SLACK:
        return Check("clock", Health.WRONG, f"{now:%Y-%m-%d %H:%M:%S} UTC is before the last recording, of {newest}")
    return Check("clock", Health.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _port(command: str, port: int) -> Check:
    name = f"port {port}"
    try:
        with socket.create_server(("127.0.0.1", port)):
            return Check(name, Health.OK, f"free for {command}")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Check(name, Health.NOTE, f"{why}: another {command}, or somebody else; --listen names another")


def _proxies(environment: Mapping[str, str]) -> Iterator[Check]:
    named = [(name, environment.get(name) or environment.get(name.lower(), "")) for name in _PROXIES]
    found = [f"{name}={_without_password(value)}" for name, value in named if value]
    if not found:
        yield Check("proxies", Health.OK, "none in the environment")
        return
    around = (environment.get("NO_PROXY") or environment.get("no_proxy", "")).replace(" ", "").split(",")
    if any(name != "NO_PROXY" for name, value in named if value) and not {"*", *_LOOPBACK} & set(around):
        said = f"{', '.join(found)}; loopback is not in NO_PROXY: clients may ask the proxy for the recorder"
        yield Check("proxies", Health.NOTE, said)
    else:
        yield Check("proxies", Health.OK, ", ".join(found))


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at and "://" in head else f"…@{tail}" if at else url


def _base_url(environment: Mapping[str, str]) -> Iterator[Check]:
    """What a program that is started here would ask, recorder or not."""
    vendors = {BASE_URL_VARIABLES[0]: "OpenAI", **dict.fromkeys(ORIGIN_VARIABLES, "Anthropic")}
    for name in (*BASE_URL_VARIABLES, *ORIGIN_VARIABLES):
        value = environment.get(name)
        if value:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
            said = f"a program started here asks {_without_password(value)}"
            if not good:
                yield Check(name, Health.WRONG, f"{value}: not an http:// address")
            elif name in ORIGIN_VARIABLES and parts.path.rstrip("/").endswith("/v1"):
                yield Check(name, Health.NOTE, f"{said}: Anthropic's clients add /v1 themselves, so leave it out")
            else:
                yield Check(name, Health.OK, said)
        elif name in vendors:
            said = f"not set: a program started here asks {vendors[name]}; record -- COMMAND sets it for the command"
            yield Check(name, Health.OK, said)
