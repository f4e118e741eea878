"""What recorders and mocks of JavaScript make of a stream: ``python tools/readers/js_recorders.py [--write]``.

Installs what recorders_package.json pins, Node too, under build/readers. As in recorders.py each recorder records an
answer whose two events come a second apart, once whole, once cut behind the second event, once compressed, and replays
it in a process of its own; each mock makes such an answer up, whole and with a failure behind the second event. The
outcome is compared with js_recorders.json (``--write``: taken for that).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from run import held_to, node_environment
from streams import CHUNKS, CHUNKS_CUT, CHUNKS_GZIP, PAUSE_S, Server

HERE = Path(__file__).parent
RESULTS = HERE / "js_recorders.json"
CLIENTS = ("fetch", "openai-node")
RECORDERS = ("bare", "nock.back", "Polly.js, fetch adapter", "Polly.js, node-http adapter", "SnapshotAgent")
MOCKS = ("msw", "nock", "MockAgent")
NOTHING = "not at all"
#: In which form a file holds a stream, by how an event, or gzip, starts in it.
_FORMS = {"text": "data: {", "base64": "ZGF0YTogey", "its bytes in hex": "1f8b08", "its bytes in base64": "H4sI"}


def main() -> int:
    """Every recorder and every mock with every client."""
    folder, server = node_environment("recorders", "recorders_package.json"), Server(once=False)
    words = [str(folder / "node_modules" / "node" / "bin" / "node"), "--no-warnings", str(HERE / "node_recorders.mjs"),
             str(folder)]  # fmt: skip
    recorders, mocks = {}, {}
    with tempfile.TemporaryDirectory() as files:
        for name in RECORDERS:
            for client in CLIENTS:
                recorders[f"{client}, {name}"] = _Recorder(words, server, name, client, Path(files)).measured()
                print(name, client, file=sys.stderr)
    for name in MOCKS:
        for client in CLIENTS:
            mocks[f"{client}, {name}"] = _mocked(words, name, client)
    versions = json.loads((HERE / "recorders_package.json").read_text(encoding="utf-8"))["dependencies"]
    return held_to(RESULTS, {"versions": versions, "recorders": recorders, "mocks": mocks})


class _Recorder:
    """A recorder with a client."""

    def __init__(self, words: list[str], server: Server, name: str, client: str, files: Path) -> None:
        self._words, self._server, self._name, self._client, self._files = words, server, name, client, files

    def measured(self) -> dict[str, str]:
        """What the client saw, what was kept, and what came of it."""
        whole, cut = self._read(CHUNKS.name, "record"), self._read(CHUNKS_CUT.name, "record")
        found = {"first event": _first(whole), "cut, recording": _told(cut)}
        if self._name == "bare":
            return found
        found["whole, replayed"] = self._replayed(CHUNKS.name)
        rest = self._kept(CHUNKS_CUT.name)
        found["cut, kept"] = "no file" if not rest else "a file with no event" if _form(rest) == NOTHING else "a file"
        found["cut, replayed"] = self._replayed(CHUNKS_CUT.name)
        self._read(CHUNKS_GZIP.name, "record")
        kept, packed = self._kept(CHUNKS.name), self._kept(CHUNKS_GZIP.name)
        if not kept:
            return found
        found["kept as"] = f"{_form(kept)}; gzip: {_form(packed)}"
        if (replayed := self._replayed(CHUNKS_GZIP.name)) != found["whole, replayed"]:
            found["kept as"] += f", replayed: {replayed}"
        found["the question"] = "in the file" if "the question" in kept else "not in the file"
        found["the key"] = "in the file" if "the-secret-key" in kept else "not in the file"
        return found

    def _read(self, case: str, phase: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._server.port}{self._path(case)}"
        return _said([*self._words, self._name, self._client, url, str(self._file(case)), phase])

    def _replayed(self, case: str) -> str:
        path = f"{self._path(case)}/chat/completions"
        before = self._server.requests[path]
        told = _told(self._read(case, "playback"))
        return told + (", from the live server" if self._server.requests[path] > before else "")

    def _kept(self, case: str) -> str:
        file = self._file(case)
        files = [one for one in (file, *file.rglob("*")) if one.is_file()]
        return "".join(one.read_text(encoding="utf-8") for one in files)

    def _path(self, case: str) -> str:
        return f"/{RECORDERS.index(self._name)}-{self._client}/{case}"

    def _file(self, case: str) -> Path:
        return self._files / f"{RECORDERS.index(self._name)}-{self._client}-{case}.json"


def _mocked(words: list[str], name: str, client: str) -> dict[str, str]:
    """What the client saw of an answer that was made up."""

    def read(phase: str) -> dict[str, Any]:
        return _said([*words, name, client, "http://model.invalid/v1", "-", phase])

    whole = read("whole")
    return {
        "first event": _first(whole),
        "whole": _told(whole),
        "fails": _told(read("fails")),
        "fails, chunked": _told(read("fails-chunked")),
    }


def _said(words: list[str]) -> dict[str, Any]:
    said = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    return dict(json.loads(said.splitlines()[-1]))


def _first(got: dict[str, Any]) -> str:
    if not got["texts"]:
        return "never"
    return "as it comes" if got["gap"] > PAUSE_S * 1000 / 2 else "with the last"


def _told(got: dict[str, Any]) -> str:
    events = {("one", "two"): "both events", (): "no event"}.get(tuple(got["texts"]), "other events")
    return f"{events}, {got['ended']}"


def _form(kept: str) -> str:
    return next((form for form, sign in _FORMS.items() if sign in kept), NOTHING)


if __name__ == "__main__":
    sys.exit(main())
