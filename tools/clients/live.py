"""Runs Claude Code and Codex headless against stand-ins with a fault, once as the fault comes and once repaired.

Everything happens in a network namespace with nothing but loopback, with a HOME of its own and a key that is none:

    unshare --net --map-root-user sh -c 'ip link set lo up; python tools/clients/live.py claude /path/to/claude'
    unshare --net --map-root-user sh -c 'ip link set lo up; python tools/clients/live.py codex /path/to/codex'

Between the client and the stand-in stands `streamlab record`, without and with ``--normalize``. Of each fault live.json
keeps what the client printed, how it ended, and how often it asked: streamed, and plain. docs/claude-code.md and
docs/codex.md show it.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlab.standins import standin_in_thread
from streamlab.storage.capture_db import CaptureDB

STREAMLAB = [sys.executable, "-m", "streamlab"]
PROMPT = "Why is the sea salty?"
LIMIT_S = 90
TARGET = Path(__file__).with_name("live.json")
#: What each client is shown: the stand-in, and the model names that are its faults; none first.
CAST = {
    "claude": (
        "messages-gateway",
        ("claude-sonnet-5", "thinking-in-text", "second-stop", "no-event-names", "no-block-stop", "no-start",
         "text-in-start", "late-delta", "no-terminal"),
    ),
    "codex": (
        "responses-gateway",
        ("gpt-5", "no-id", "no-item-done", "no-role", "details-empty", "no-total", "done-named", "error-alone",
         "failure-as-completed", "no-completed"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What one run showed."""

    said: str
    code: int
    streamed: int
    plain: int


@contextlib.contextmanager
def recorder(upstream: str, db: Path, *, repair: bool) -> Iterator[str]:
    """`streamlab record` in front of a server; the address to use instead."""
    options = ["--normalize"] if repair else []
    command = [*STREAMLAB, "record", "--upstream", upstream, "--listen", "127.0.0.1:0", "--db", str(db), *options]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert running.stdout is not None
        for line in running.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found and upstream not in found.group():
                yield found.group()
                break
    finally:
        running.terminate()
        running.wait(20)


def command(client: str, program: str, base: str, model: str, home: Path) -> tuple[list[str], dict[str, str]]:
    """How a user would ask it headless, less the question and its options: the command, and its whole environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "NO_PROXY": "*"}
    if client == "claude":
        environment |= {"ANTHROPIC_BASE_URL": base, "ANTHROPIC_API_KEY": "sk-none", "DISABLE_TELEMETRY": "1"}
        environment |= {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
        return [program, "-p", PROMPT, "--model", model], environment
    provider = f'model_providers.s={{name="s",base_url="{base}/v1",wire_api="responses",env_key="S_KEY"}}'
    environment |= {"S_KEY": "none", "CODEX_HOME": str(home)}
    options = ["-c", provider, "-c", "model_provider=s", "-c", f"model={model}", "--skip-git-repo-check"]
    return [program, "exec", *options, "--sandbox", "read-only", PROMPT], environment


def run(client: str, program: str, base: str, model: str, home: Path) -> tuple[str, int]:
    """One question; what was printed."""
    asking, environment = command(client, program, base, model, home)
    try:
        done = subprocess.run(
            asking, env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end within {LIMIT_S} s", -1
    said = done.stdout.strip()
    if done.returncode and not said:
        said = done.stderr.strip().rpartition("\n")[2].removeprefix("ERROR: ")
    return " ".join(said.split()), done.returncode


def one(client: str, program: str, model: str, *, repair: bool) -> Seen:
    """A fault, before or after repair."""
    standin, _ = CAST[client]
    folder = Path(tempfile.mkdtemp(prefix="streamlab-live-"))
    try:
        db = folder / "live.db"
        with (
            standin_in_thread(standin, gap_ms=1) as server,
            recorder(server.origin, db, repair=repair) as base,
        ):
            said, code = run(client, program, base, model, folder)
        with CaptureDB(db) as database:
            asked = [database.get(row.id).request for row in database.overview()]
        bodies = [json.loads(request.body or b"{}") for request in asked if request is not None and request.body]
        mine = [body for body in bodies if body.get("model") == model]
        streamed = sum(body.get("stream") is True for body in mine)
        return Seen(said, code, streamed, len(mine) - streamed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(client: str, program: str) -> None:
    """Keeps what was seen in live.json, beside what is there of the other client."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    faults = {}
    for model in CAST[client][1]:
        seen = {when: one(client, program, model, repair=when == "repaired") for when in ("came", "repaired")}
        faults[model] = {when: asdict(what) for when, what in seen.items()}
        print(model, *seen.values(), sep="\n  ", flush=True)
    kept = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {}
    kept[client] = {"version": version, "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", "faults": faults}
    TARGET.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
