"""Real servers, asked and judged: llama.cpp's server with a model that is a table, and LiteLLM's proxy in front of it.

    python tools/real/run.py [--write] [--keep FOLDER]

Installs what is pinned in ``*.txt`` beside it, each into a virtual environment under build/real, writes the model,
starts both servers with the recorder in front of each, asks the questions of `streamlab probe`, and compares what came
of it with ``expected.json``. Exit code 1: something is judged otherwise than expected; ``--write`` takes it for
expected. ``--keep`` leaves the recordings in a folder. Nothing outside the package index and loopback is reached.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from streamlab.apis.chat.questions import QUESTIONS
from streamlab.apis.question import Question
from streamlab.errors import UsageError
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from streamlab.storage.capture_db import CaptureDB
from streamlab.workflows.compare import compare_hops

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HOME = ROOT / "build" / "real"
EXPECTED = HERE / "expected.json"
#: What depends on how busy the machine is.
_TIMED = frozenset({"delayed", "reads-merged", "reads-split", "stall-gap", "burst-delivery", "idle-before-first-byte"})
_PATIENCE_S = 600.0  # a busy machine imports LiteLLM for minutes
#: Questions that are asked of the gateway as Messages too.
_AS_MESSAGES = ("plain", "newlines", "long", "tool-call", "parallel-calls", "stop", "max-tokens")


def main() -> int:
    """Run everything once."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--write", action="store_true")
    options.add_argument("--keep", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        found = _measured(Path(folder), asked.keep, stack)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if asked.write:
        EXPECTED.write_text(text, encoding="utf-8")
        return 0
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    changed = list(_changes(expected, found, ""))
    for line in changed:
        print(line)
    print(f"{len(changed)} changes" if changed else "as expected")
    return int(bool(changed))


def _measured(folder: Path, keep: Path | None, stack: contextlib.ExitStack) -> dict[str, Any]:
    llama, litellm = (_installed(name) for name in ("llama", "litellm"))
    model = folder / "table.gguf"
    subprocess.run([llama, HERE / "model.py", model], check=True)
    ports = _free_ports(4)
    served, front, gateway, front_of_gateway = ports
    db = folder / "real.db"
    with (folder / "servers.log").open("wb") as log:
        stack.enter_context(_running([llama, HERE / "llama_server.py", model, served], log))
        _wait(f"http://127.0.0.1:{served}/health")
        taps = [f"llama-server=127.0.0.1:{front}=http://127.0.0.1:{served}"]
        taps += [f"litellm=127.0.0.1:{front_of_gateway}=http://127.0.0.1:{gateway}"]
        words = [sys.executable, "-m", "streamlab", "record", "--no-findings", "--db", db]
        config = folder / "litellm.yaml"
        written = (HERE / "litellm.yaml").read_text(encoding="utf-8")
        config.write_text(written.replace("UPSTREAM", f"http://127.0.0.1:{front}/v1"), encoding="utf-8")
        proxy = [litellm.with_name("litellm"), "--config", config, "--host", "127.0.0.1", "--port", gateway]
        stack.enter_context(_running([*proxy, "--telemetry", "False"], log))
        _wait(f"http://127.0.0.1:{gateway}/health/liveliness")
        with _running([*words, *(word for tap in taps for word in ("--tap", tap))], log):
            _wait(f"http://127.0.0.1:{front}/v1/models")
            _ask(f"http://127.0.0.1:{front_of_gateway}")
            probed = _probed(gateway, served, folder / "probe.db")  # the gateway asks through the recorder
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / "real.db").write_bytes(db.read_bytes())
    return {"versions": _versions(), "probe": probed, "hops": _hops(db)}


# -- servers -----------------------------------------------------------------------------------------------------------


def _installed(name: str) -> Path:
    """The Python of a virtual environment in which the pinned packages are."""
    venv, wanted = HOME / name, HERE / f"{name}.txt"
    stamp, python = venv / "installed.txt", venv / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--only-binary", ":all:"]
        subprocess.run([*pip, "-r", wanted], check=True)
        stamp.write_text(wanted.read_text())
    return python


def _versions() -> dict[str, str]:
    pinned = (line for name in ("llama", "litellm") for line in (HERE / f"{name}.txt").read_text().split())
    return {name.partition("[")[0]: version for name, _, version in (line.partition("==") for line in pinned)}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def _running(words: list[Any], log: Any) -> Iterator[None]:
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(list(map(str, words)), stdout=log, stderr=log, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait(url: str) -> None:
    """Until it answers."""
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > give_up:
            raise SystemExit(f"{url} does not answer within {_PATIENCE_S:g} s")
        time.sleep(0.2)


# -- asking ------------------------------------------------------------------------------------------------------------


def _ask(base: str) -> None:
    for question in QUESTIONS:
        _post(f"{base}/v1/chat/completions", f"chat/{question.name}", question.asked("table", stream=True))
    for question in QUESTIONS:
        if question.name in _AS_MESSAGES:
            _post(f"{base}/v1/messages", f"messages/{question.name}", _as_messages(question))


def _post(url: str, name: str, body: dict[str, Any]) -> None:
    """Each on a connection of its own; the name stands in a header, by which it is found in the recording."""
    headers = {"x-question": name, "anthropic-version": "2023-06-01"}
    httpx.post(url, json=body, headers=headers, timeout=_PATIENCE_S, trust_env=False)


def _as_messages(question: Question) -> dict[str, Any]:
    """The same question in Anthropic's words."""
    body = question.asked("served", stream=True)
    kept = {key: body[key] for key in ("model", "stream", "messages", "max_tokens", "temperature")}
    if "stop" in body:
        kept["stop_sequences"] = body["stop"]
    if "tools" in body:
        functions = [tool["function"] for tool in body["tools"]]
        kept["tools"] = [
            {"name": one["name"], "description": one["description"], "input_schema": one["parameters"]}
            for one in functions
        ]
    return kept


def _probed(gateway: int, served: int, db: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "streamlab", "probe", f"http://127.0.0.1:{gateway}/v1", "--model", "table"]
    words += ["--direct", f"http://127.0.0.1:{served}/v1", "--db", str(db), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"probe said nothing: {done.stderr[-2000:]}")
    said = json.loads(done.stdout)
    direct = {one["name"]: one for one in said["direct"]["features"]} if said["direct"] else {}
    return {
        one["name"]: {"litellm": _outcome(one), "llama-server": _outcome(direct[one["name"]])}
        for one in said["features"]
    }


def _outcome(feature: dict[str, Any]) -> dict[str, Any]:
    modes = {name: feature[name]["findings"] for name in ("streamed", "whole")}
    modes["parity"] = (feature["parity"] or {"findings": []})["findings"]
    rules = {name: sorted({one["rule"] for one in found} - _TIMED) for name, found in modes.items()}
    said = {
        name: feature[name]["reason"] for name in ("streamed", "whole") if feature[name]["reason"] and not rules[name]
    }
    return {"state": feature["state"], **{name: found for name, found in rules.items() if found}, **_words(said)}


def _words(said: dict[str, str]) -> dict[str, str]:
    """Why, where no rule spoke, in its first words."""
    return {f"{name} said": words.partition(":")[0][:60] for name, words in said.items()}


def _hops(db: Path) -> dict[str, Any]:
    """Of each question that went through both: what rules say on either side, and what the gateway did."""
    found = {}
    with CaptureDB(db) as database:
        ids = list(database.ids())
        named = {}
        for one in ids:
            request = database.get(one).request
            name = next((value for key, value in (request.headers if request else ()) if key == "x-question"), None)
            if name is not None and database.get(one).tap == "litellm":
                named[one] = name
    for one, name in named.items():
        try:
            hops = compare_hops(str(one), db)
        except UsageError:  # it was refused by the gateway itself
            with CaptureDB(db) as database:
                found[name] = {"alone": _rules(analyze(database.get(one)))}
            continue
        comparison = hops[0].comparison
        did = {
            str(each.kind)
            for each in comparison.differences
            if each.severity is not Severity.INFO or each.kind in ("request-changed", "error-reported")
        }
        found[name] = {
            "llama-server": _rules(comparison.report_a),
            "litellm": _rules(comparison.report_b),
            "did": sorted(did - _TIMED),
        }
    return found


def _rules(report: Any) -> list[str]:
    return sorted({one.rule for one in report.findings if one.severity is not Severity.INFO} - _TIMED)


def _changes(expected: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys((*expected, *found)):
            yield from _changes(expected.get(key), found.get(key), f"{path}/{key}")
    elif expected != found:
        yield f"{path}: expected {json.dumps(expected)}, found {json.dumps(found)}"


if __name__ == "__main__":
    sys.exit(main())
