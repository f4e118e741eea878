"""Recording what a test asks a real server, as fixtures: what ``--streamlab-record`` does.

The recorder runs as a process of its own (it forks, which a process with threads must not), keeps its database in a
temporary folder, and what it recorded is exported below the directory that the test's marker names: the first exchange
into that directory, the others into numbered ones inside. Secrets are taken out before anything is written.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from streamlab.apis import parted_path
from streamlab.config import load_config
from streamlab.errors import CouldNotRunError
from streamlab.exchange import Request
from streamlab.redaction import REDACTED
from streamlab.servers.replay import Played
from streamlab.sharing.shared import share
from streamlab.sharing.wanted import Masking
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.storage.targets import find
from streamlab.workflows.regression.fixture import write_expectations

#: Where a client of OpenAI's asks when nobody tells it otherwise.
DEFAULT_UPSTREAM = "https://api.openai.com/v1"
_META = "exchange.json"
_PATIENCE_S = 60.0
_SPOKEN = "OPENAI_BASE_URL="
#: Says where the recorder is and ends, and the recorder with it, when we let go of its standard input, or die.
_UNTIL_LET_GO = f"import os, sys; print({_SPOKEN!r} + os.environ[{_SPOKEN[:-1]!r}], flush=True); sys.stdin.read()"


def upstream(environment: Mapping[str, str] = os.environ) -> str:
    """Whom to ask: OPENAI_BASE_URL, or OpenAI."""
    return environment.get("OPENAI_BASE_URL") or DEFAULT_UPSTREAM


def homes(home: Path) -> list[Path]:
    """The exchange directories of a fixture: it, and those recorded into it."""
    inside = sorted((one.parent for one in home.glob(f"*/{_META}")), key=lambda one: (len(one.name), one.name))
    return [*([home] if (home / _META).exists() else []), *inside]


class LiveRecorder:
    """``streamlab record`` in front of a server; ``base_url`` is for the client. Raises CouldNotRunError.

    When the block ends what was recorded becomes fixtures below ``home``; ``recorded`` lists them. Without a ``home``
    it stays in the database ``kept``.
    """

    def __init__(self, home: Path | None, url: str, kept: Path | None = None) -> None:
        self._home, self._url, self._kept = home, url, kept
        self.recorded: list[Path] = []
        self.base_url = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="streamlab-")
        self._db = self._kept or Path(self._folder.name) / "recorded.db"
        options = ["--upstream", self._url, "--listen", "127.0.0.1:0", "--db", str(self._db), "--no-findings"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlab", "record", *options, "--", sys.executable, "-c", _UNTIL_LET_GO],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        try:
            line = next((one for one in self._process.stdout if one.startswith(_SPOKEN)), None)
        except BaseException:  # whoever asks is told to end while it starts
            self._process.terminate()
            self._end()
            self._folder.cleanup()
            raise
        if line is None:
            _, said = self._process.communicate()
            self._folder.cleanup()
            why = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise CouldNotRunError(f"the recorder did not start: {why}")
        self.base_url = line.removeprefix(_SPOKEN).strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end()
            if self._home is not None and self._db.exists():
                self._export(self._home)
        finally:
            self._folder.cleanup()

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=_PATIENCE_S)  # closes its standard input
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _export(self, below: Path) -> None:
        masking = Masking(tuple(re.compile(one) for one in load_config().redact))  # fixtures are for a repository
        for target in find(str(self._db), None):
            with target.opened() as exchange:
                home = next(_free(below))
                write_exchange_dir(share(exchange, masking).exchange, home)
            write_expectations(home, read_exchange_dir(home))
            self.recorded.append(home)


def _free(home: Path) -> Iterator[Path]:
    """Directories that hold no exchange yet: ``home``, then ``home/2``, ``home/3``, …"""
    if not (home / _META).exists():
        yield home
    number = 2
    while True:
        if not (home / str(number)).exists():
            yield home / str(number)
        number += 1


def record_missed(missed: Sequence[Played], home: Path, url: str) -> list[Path]:
    """Ask the server what nothing recorded answered, and keep it; the keys are those of the environment."""
    with LiveRecorder(home, url) as recorder, httpx.Client(timeout=_PATIENCE_S, trust_env=False) as client:
        origin = httpx.URL(recorder.base_url)
        for one in missed:
            with client.stream(
                one.method, origin.copy_with(raw_path=one.target.encode()), content=one.body, headers=keys()
            ) as answer:
                for _ in answer.iter_raw():
                    pass
    return recorder.recorded


def keys() -> dict[str, str]:
    """Headers of a request to a real server, with the keys of the environment."""
    headers = {"content-type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    if key := os.environ.get("ANTHROPIC_API_KEY"):
        headers |= {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return headers


def why_not_again(request: Request | None) -> str | None:
    """Why a recorded question cannot be asked again; None when it can."""
    if request is None or request.body is None:
        return "its request is unknown"
    if request.method != "POST":
        return f"it was a {request.method}"
    if REDACTED.encode() in request.body:
        return "its request holds something that was masked"
    return None


def ask_again(client: httpx.Client, base_url: str, request: Request, headers: Mapping[str, str]) -> None:
    """Ask a recorded question, of a recorder; how the answer ended is in what it records."""
    url = base_url.rstrip("/") + _rest(request.url)
    try:
        with client.stream("POST", url, content=request.body, headers={**keys(), **headers}) as answer:
            for _ in answer.iter_raw():
                pass
    except httpx.HTTPError:
        pass


def _rest(url: str) -> str:
    """What a base URL is followed by: the API's own path, else the last two words of the recorded one."""
    path, end = parted_path(url)
    return end or "/" + "/".join(path.strip("/").split("/")[-2:])
