"""Drivers of clients that are none: what `streamlab clients` runs in tests, with nothing installed and no network."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from streamlab.clients.setups import ClientSetup
from streamlab.errors import CouldNotRunError
from streamlab.workflows.clients.environments import Driver, Environments

#: A client that reads each line behind ``data:`` as JSON, as many do by hand; what it does otherwise, its name says.
_DRIVER = """
import json, os, sys, tempfile, time, urllib.error, urllib.request

name = sys.argv[sys.argv.index("--client") + 1]
if name == "dumb":
    sys.exit(1)
print(json.dumps({"ready": name, "version": "toy 1.0"}), flush=True)
for job in map(json.loads, sys.stdin):
    held = {"text": "", "reasoning": "", "tool_calls": [], "finish_reason": None, "usage": None, "n_chunks": 0}
    held |= {"ok": True, "hung": False}
    if name == "dies":
        os._exit(9)
    if name == "hangs":
        tempfile.mkdtemp()
        time.sleep(60)
    for attempt in range({"storms": 3, "falls-back": 2}.get(name, 1)):
        if attempt and name == "falls-back" and held["ok"]:
            break
        held |= {"text": "", "finish_reason": None, "n_chunks": 0}
        body = {"stream": True}
        if name in ("offers", "offers-loose"):
            strict = job["strict"] if name == "offers" else []
            body["tools"] = [
                {"type": "function", "function": {"name": one, **({"strict": True} if one in strict else {})}}
                for one in job["tools"]
            ]
        request = urllib.request.Request(job["base_url"] + "/chat/completions", json.dumps(body).encode())
        if name == "falls-back" and attempt:
            request.data = b'{"stream": false}'
        try:
            with urllib.request.urlopen(request) as answer:
                for line in answer:
                    data = line.decode().strip().removeprefix("data: ")
                    if data in ("", "[DONE]"):
                        continue
                    chunk = json.loads(data)
                    if name == "adds" and chunk.get("usage"):
                        before = held["usage"] or {}
                        held["usage"] = {key: before.get(key, 0) + more for key, more in chunk["usage"].items()}
                    for choice in chunk["choices"]:
                        held["n_chunks"] += 1
                        held["text"] += choice["delta"].get("content") or ""
                        if name == "thinks" and chunk["object"] == "chat.completion.chunk":
                            held["reasoning"] += choice["delta"].get("reasoning_content") or ""
                        held["finish_reason"] = choice.get("finish_reason") or held["finish_reason"]
        except ValueError as error:
            held |= {"ok": False, "error_type": "json.JSONDecodeError", "error": str(error), "error_in": "library"}
        except urllib.error.HTTPError as error:
            held |= {"ok": False, "error_type": "HTTPError", "error": str(error), "error_in": "library"}
    if name == "secretive":
        held["text"] = str(sorted(set(os.environ) & {"OPENAI_API_KEY", "STREAMLAB_TOKEN"}))
    if name == "shouts":
        held["text"] = held["text"].upper()
    print(json.dumps(held), flush=True)
"""


def setup(name: str) -> ClientSetup:
    """A stand-in of that name."""
    return ClientSetup(name, f"toy that {name}", "toy", "python", "toy", "toy.py", "a stand-in", ("chat.completions",))


@dataclass
class ToyEnvironments(Environments):
    """Their drivers lie in a folder of the test's, and run in this interpreter; ``refused`` cannot be installed."""

    folder: Path
    refused: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        drivers = self.folder / "python"
        drivers.mkdir(parents=True, exist_ok=True)
        (drivers / "toy.py").write_text(_DRIVER, encoding="utf-8")

    def home(self, setup: ClientSetup) -> Path:
        return self.folder

    def installed(self, setup: ClientSetup) -> bool:
        return True

    def driver(self, setup: ClientSetup) -> Driver:
        self.asked.append(setup.id)
        if setup.id in self.refused:
            raise CouldNotRunError(f"{setup.name} cannot be installed: no such package")
        return Driver(setup, Path(sys.executable), self.folder, self.folder)

    def stop(self) -> None:
        """Nothing is being installed."""
