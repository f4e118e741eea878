"""Runs Claude Code and Codex headless on recorded streams with a deviation: as they come, and through a recorder.

    unshare --net --map-root-user sh -c 'ip link set lo up; exec python tools/clients/live_cases.py \
        claude /path/to/claude ../shared/corpus/protocols/anthropic'

As live.py, in a network namespace with nothing but loopback. Each stream that can be mended is played once directly to
the client and once through ``streamlab record --normalize``, and so is the lawful stream beside it. What the client
*held* is read from what it says as JSON and, where it runs a tool and asks again, from that request. A name behind the
folder picks cases (``live_cases.py codex PROGRAM FOLDER 'item-*'``); the others stay in live_cases.json as they were.
"""

from __future__ import annotations

import datetime
import fnmatch
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from live import LIMIT_S, command, recorder
from repaired_cases import CAME, SAFE, Case, Served, cases

from streamlab.playback.matching import Match, candidate
from streamlab.playback.script import script
from streamlab.servers.replay import Playable
from streamlab.workflows.replay import BackgroundReplay, held

TARGET = Path(__file__).with_name("live_cases.json")
MODEL = {"claude": "claude-sonnet-5", "codex": "gpt-5"}
#: One answer of the model is enough: Claude Code is told so, Codex is ended when it asks about the result of a call.
OPTIONS = {
    "claude": ("--output-format", "stream-json", "--verbose", "--max-turns", "1"),
    "codex": ("--json", "--ephemeral"),
}
_LOOK_S = 0.05


@dataclass(frozen=True)
class Held:
    """What a client held: texts, thoughts and calls in order; what it said went wrong; how often it asked."""

    blocks: tuple[tuple[str, ...], ...]
    error: str
    streamed: int
    plain: int


class Client:
    """One client program, asked about one stream after another."""

    def __init__(self, name: str, program: str) -> None:
        self.name = name
        self._program = program

    def version(self) -> str:
        """As it says."""
        done = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def ask(self, served: Served, replay: BackgroundReplay, base: str) -> Held:
        """What it holds of a stream that is played at ``base``."""
        replay.load([_playable(served)])
        before = len(replay.requests)
        with tempfile.TemporaryDirectory(prefix="streamlab-live-", ignore_cleanup_errors=True) as folder:
            asking, environment = command(self.name, self._program, base, MODEL[self.name], Path(folder))
            running = subprocess.Popen(
                [*asking, *OPTIONS[self.name]], env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            ended = threading.Event()
            watcher = threading.Thread(target=_end_when_asked_again, args=(running, replay, before, ended))
            watcher.start()
            out, _ = running.communicate()
            ended.set()
            watcher.join()
        lines = [json.loads(line) for line in out.decode(errors="replace").splitlines() if line.startswith("{")]
        asked = [one.json for one in replay.requests[before:] if one.body.startswith(b"{")]
        follow_up = next((one for one in asked if _follows(one)), None)
        mine = [one for one in asked if one.get("model") == MODEL[self.name] and not _follows(one)]
        streamed = sum(one.get("stream") is True for one in mine)
        blocks, error = (_claude_held if self.name == "claude" else _codex_held)(lines, follow_up)
        return Held(tuple(blocks), error, streamed, len(mine) - streamed)


def _playable(served: Served) -> Playable:
    """The stream as `streamlab replay` plays it, as often as it is asked for."""
    exchange = served.exchange
    return Playable(candidate(["it"], exchange.request), "it", lambda: held(script(exchange)))


def _end_when_asked_again(
    running: subprocess.Popen[bytes], replay: BackgroundReplay, before: int, ended: threading.Event
) -> None:
    until = time.monotonic() + LIMIT_S
    while not ended.wait(_LOOK_S):
        again = any(one.body.startswith(b"{") and _follows(one.json) for one in replay.requests[before:])
        if again or time.monotonic() > until:
            running.kill()
            return


def _follows(body: dict[str, Any]) -> bool:
    """Whether a request to Codex's server tells the result of a call."""
    given = body.get("input")
    return isinstance(given, list) and any(str(one.get("type")).endswith("_call_output") for one in given)


def _claude_held(lines: Sequence[dict[str, Any]], _: dict[str, Any] | None) -> tuple[list[tuple[str, ...]], str]:
    blocks, error = [], "" if lines else "nothing said"
    for line in lines:
        if line["type"] == "assistant" and not line.get("error"):
            blocks += [_claude_block(one) for one in line["message"]["content"]]
        if line["type"] == "result" and line.get("subtype") != "error_max_turns" and line.get("is_error"):
            error = str(line.get("result") or line.get("errors")).partition(". ")[0]  # then come times, which vary
    return blocks, error


def _claude_block(block: dict[str, Any]) -> tuple[str, ...]:
    if block["type"] == "tool_use":
        return "call", block["name"], _spelt(block["input"])
    return block["type"], str(block.get(block["type"], ""))


def _codex_held(lines: Sequence[dict[str, Any]], follow_up: dict[str, Any] | None) -> tuple[list[tuple[str, ...]], str]:
    if follow_up is not None:  # what it prints meanwhile is of the next answer already
        blocks = [block for one in follow_up["input"] if (block := _codex_block(one))]
        return blocks, ""
    items = [line["item"] for line in lines if line["type"] == "item.completed"]
    named = {"agent_message": "text", "reasoning": "thinking"}
    error = next((str(line["error"].get("message")) for line in lines if line["type"] == "turn.failed"), "")
    return [(named[one["type"]], one["text"]) for one in items if one["type"] in named], error


def _codex_block(item: dict[str, Any]) -> tuple[str, ...] | None:
    """What an item of a request to the model is to the client, where the model said it."""
    match item:
        case {"type": "function_call", "name": name, "arguments": arguments}:
            return "call", name, _spelt(arguments)
        case {"type": "custom_tool_call", "name": name, "input": given}:
            return "call", name, given
        case {"type": "reasoning", "summary": [*parts]}:
            return "thinking", "".join(part["text"] for part in parts)
        case {"type": "message", "role": "assistant", "content": [*parts]}:
            return "text", "".join(part["text"] for part in parts)
        case _:
            return None


def _spelt(given: object) -> str:
    try:
        return json.dumps(json.loads(given) if isinstance(given, str) else given, sort_keys=True, ensure_ascii=False)
    except ValueError:
        return str(given)


def wanted(folder: Path, pattern: str) -> list[Case]:
    """The cases that repair mends whole, and whose lawful stream is known."""
    return [
        one
        for one in cases([folder])
        if one.lawful is not None
        and fnmatch.fnmatch(one.name.rpartition("/")[2], pattern)
        and one.served[SAFE].exchange.body != one.served[CAME].exchange.body
        and not one.served[SAFE].left
        and not one.served[SAFE].broken
    ]


def main(name: str, program: str, folder: str, pattern: str = "*") -> None:
    """Keeps what was seen in live_cases.json, and says where a client is not as on the lawful stream after repair."""
    client, found, lawful = Client(name, program), {}, {}
    with (
        tempfile.TemporaryDirectory() as captures,
        BackgroundReplay([], match=Match.ANY) as replay,
        recorder(replay.url, Path(captures, "live.db"), repair=True) as mending,
    ):
        for case in wanted(Path(folder), pattern):
            assert case.lawful is not None
            key = case.lawful.key(case.api, ())
            if key not in lawful:
                lawful[key] = [client.ask(case.lawful, replay, base) for base in (replay.url, mending)]
            came, repaired = (client.ask(case.served[CAME], replay, base) for base in (replay.url, mending))
            seen = {"came": came, "repaired": repaired, "lawful repaired": lawful[key][1]}
            short = case.name.rpartition("/")[2]
            others = {when: asdict(what) for when, what in seen.items() if what != lawful[key][0]}
            found[short] = {"lawful": asdict(lawful[key][0]), **others}
            verdict = [_verdict(one, lawful[key][0]) for one in (came, repaired, lawful[key][1])]
            print(short, *verdict, sep="\t", flush=True)
            if "same" not in verdict[1]:
                print(f"  {came}\n  {repaired}\n  {lawful[key][0]}", flush=True)
    kept = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {}
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    before = kept.get(name, {}).get("cases", {}) if pattern != "*" else {}
    kept[name] = {"version": client.version(), "date": today, "cases": before | found}
    TARGET.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _verdict(held: Held, lawful: Held) -> str:
    if held == lawful:
        return "same"
    return f"other ({held.streamed}+{held.plain}{f', {held.error[:60]}' if held.error else ''})"


if __name__ == "__main__":
    main(*sys.argv[1:])
