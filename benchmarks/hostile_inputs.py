"""Mutated captures, imports and exchange directories through every command that reads them: what no input may cause.

``python -m benchmarks.hostile_inputs databases|imports|exchanges [--count N] [--seed S] [--keep FOLDER]``. A process of
its own looks at each input, forked when everything is loaded; a line a minute on stderr says how far it is. Counted
are: tracebacks, commands over 20 s of CPU, processes over 500 MB, control characters that would reach a terminal, and
files where nothing was to be written.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from streamlab.cli import COMMANDS, main
from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.wire.visible import UNSAFE

_SECONDS, _BYTES, _TOLD_SECONDS = 20.0, 500_000_000, 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_EVIL = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\r\x08\x7f\x9b31m\u202e\u200b\u2028"
#: What stands in place of a value.
_VALUES: tuple[object, ...] = (
    None, True, -1, 0, 2**31, 2**53, 2**62, -(2**63), 1.5, 1e300, "", "x", _EVIL, "9" * 400, "[1]", "{", "[" * 3000,
    '{"a": 1e999}', "2026-13-45T99:99:99Z", "../../outside/file", "/dev/zero", [], {}, [[]], [None], {"": None},
    [["a", "b"], ["c"]], "\ud800", "ok\x00zero", "data: [DONE]\n\n", "A" * 20_000,
)  # fmt: skip
_PIECES = (
    b"\x00", b"\xff\xfe", b"\x1b]52;c;eA==\x07", b"\r\n\r\n", b"\n\n", b"data:", b"data: {", b"data: [DONE]\n\n",
    b"&a ", b"*a", b"!!python/object:os.system ", b"- ", b"  ", b'"', b"\\ud800", b"\\u0000", b"9" * 400,
    b"[" * 3000, b"{" * 3000, b"1e999", b"\xe2\x80\xae", b": comment\n\n" * 50, b"HTTP/1.1 200 OK\r\n",
    b"content-encoding: gzip\r\n", b"0\r\n\r\n",
)  # fmt: skip
_TEXTS = ("text", "json", "sarif", "junit", "github")


def _sse(*payloads: object) -> bytes:
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in payloads) + b"data: [DONE]\n\n"


def _chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [choice]}


def _call(number: int, **function: str) -> dict[str, object]:
    return {"tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]}


def _samples() -> list[Exchange]:
    """A text, a call whose id changes, and a stream of another API that was cut."""
    role: dict[str, object] = {"role": "assistant", "content": ""}
    text = _sse(_chunk(role), _chunk({"content": "Hello\nworld"}), _chunk({"content": " and more"}), _chunk({}, "stop"))
    call = _sse(_chunk(role), _chunk(_call(1, name="f", arguments='{"a"')), _chunk(_call(2, arguments=": 1}")))
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "usage": {}}
    named = b"event: message_start\n" + _sse({"type": "message_start", "message": message})
    found = []
    for at, (body, path) in enumerate(((text, "chat/completions"), (call, "chat/completions"), (named, "messages"))):
        asked = json.dumps({"model": "gpt", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
        request = Request("POST", f"http://127.0.0.1:8000/v1/{path}", (("content-type", "application/json"),), asked)
        head = ResponseHead(200, (("content-type", "text/event-stream"), ("x-request-id", "r")), 1000)
        cuts = [body[start : start + 60] for start in range(0, len(body), 60)]
        segments = tuple(Segment(1000 + 20_000 * number, part) for number, part in enumerate(cuts))
        started = "2026-01-02T03:04:05.000006Z"
        found.append(Exchange(None, request, head, segments, None, end_us=10**6, label=f"n{at}", started_at=started))
    return found


# --- mutations


def _mutate_bytes(seed: random.Random, data: bytes) -> bytes:
    for _ in range(seed.randint(1, 5)):
        at = seed.randrange(len(data) + 1)
        stop = min(len(data), at + seed.choice((0, 1, 1, 4, 30, 400)))
        what = seed.randrange(5)
        if what == 0:
            data = data[:at] + data[stop:]
        elif what == 1:
            data = data[:at] + seed.choice(_PIECES) + data[at:]
        elif what == 2:
            data = data[:stop] + data[at:]
        elif what == 3:
            data = data[:at] + seed.randbytes(stop - at) + data[stop:]
        else:
            data = data[:at] if seed.random() < 0.3 else data[:at] + seed.choice(_PIECES) + data[stop:]
    return data


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every container and key of a JSON value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        _places(value[key], found)
    return found


def _mutate_json(seed: random.Random, data: bytes) -> bytes:
    value = json.loads(data)
    for _ in range(seed.randint(1, 4)):
        places = _places(value, [])
        if not places:
            break
        holder, key = seed.choice(places)
        if seed.random() < 0.25:
            del holder[key]
        elif isinstance(holder, dict) and seed.random() < 0.15:
            holder[str(seed.choice(_VALUES))[:50]] = holder.pop(key)
        else:
            holder[key] = seed.choice(_VALUES)
    return json.dumps(value).encode("utf-8", "replace")


def _mutate_database(seed: random.Random, path: Path) -> None:
    if seed.random() < 0.2:
        data = bytearray(path.read_bytes())
        for _ in range(seed.randint(1, 20)):
            data[seed.randrange(len(data))] = seed.randrange(256)
        path.write_bytes(data[: seed.randrange(len(data))] if seed.random() < 0.2 else data)
        return
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = [name for name in tables if not name.startswith(("sqlite", "contents"))]
        for _ in range(seed.randint(1, 5)):
            with contextlib.suppress(sqlite3.Error, ValueError, OverflowError):
                _mutate_table(seed, connection, seed.choice([*ours, "exchanges", "segments"]))


def _mutate_table(seed: random.Random, connection: sqlite3.Connection, table: str) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] or ["id"]
    value = seed.choice(_VALUES)
    if isinstance(value, list | dict):
        value = json.dumps(value)
    elif seed.random() < 0.3:
        value = seed.randbytes(seed.choice((0, 1, 9, 2000)))
    draw = seed.random()
    if draw < 0.04:
        connection.execute(f"DROP TABLE {table}")
    elif draw < 0.07:
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {seed.choice(columns)} TO other")
    elif draw < 0.1:
        connection.execute(f"CREATE TRIGGER t{seed.randrange(99)} AFTER UPDATE ON {table} BEGIN SELECT 1; END")
    elif draw < 0.13:
        connection.execute(f"PRAGMA user_version = {seed.randrange(6)}")
    else:
        where = f"rowid = {seed.randint(1, 4)}" if seed.random() < 0.7 else "1"
        connection.execute(f"UPDATE {table} SET {seed.choice(columns)} = ? WHERE {where}", (value,))


# --- what is done with each


class Inputs:
    """A folder of sound inputs, copies of which are mutated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "sound.db"
        with CaptureDB(self.database, write=True) as db:
            for one in _samples():
                db.add(one)
        for at, one in enumerate(_samples()):
            write_exchange_dir(one, folder / "exchanges" / str(at))
        for kind in ("har", "vcr", "curl", "sse"):
            with contextlib.suppress(SystemExit):
                main(["export", "--db", str(self.database), "1", "2", "3", "--as", kind, "--to", str(folder / kind)])
        self.imports = [path for kind in ("har", "vcr", "curl", "sse") for path in (folder / kind).rglob("*.*")]

    def databases(self, seed: random.Random, here: Path) -> list[list[str]]:
        """A mutated capture, and the commands that read it."""
        path = here / "in.db"
        shutil.copy(self.database, path)
        _mutate_database(seed, path)
        db = ["--db", str(path)]
        commands = [
            ["ls"],
            ["ls", "--json"],
            ["ls", "--first-seen"],
            ["ls", "--rule", "*"],
            ["prune", "--keep", "2", "--dry-run"],
        ]
        commands += [["show", number, *more] for number in "123" for more in ([], ["--json"])]
        commands += [["diff", "1"], ["diff", "1", "2"], ["compare", "1", "2"], ["doctor"], ["doctor", "--json"]]
        commands += [["normalize", number, "--blame"] for number in "13"]
        commands += [["export", "1", "2", "3", "--as", kind, "--to", str(here / "out" / kind)] for kind in _KINDS]
        found = [[*words, *db] for words in commands]
        found += [["check", str(path), "--format", kind] for kind in _TEXTS]
        return [*found, ["import", str(here / "sse"), *db], ["prune", "--keep", "1", *db], ["ls", *db]]

    def imports_(self, seed: random.Random, here: Path) -> list[list[str]]:
        """A mutated HAR, cassette, curl log or stream."""
        source = seed.choice(self.imports)
        path = here / f"in{source.suffix}"
        data = source.read_bytes()
        if source.suffix == ".har" and seed.random() < 0.6:
            data = _mutate_json(seed, data)
        path.write_bytes(_mutate_bytes(seed, data) if seed.random() < 0.6 else data + seed.choice(_PIECES))
        db = ["--db", str(here / "out" / "new.db")]
        found = [["import", str(path), *db], ["ls", *db], ["show", "1", *db], ["check", str(path)]]
        found += [["check", "last", *db], ["normalize", str(path), "--blame"], ["diff", str(path)], ["show", str(path)]]
        return [*found, ["export", str(path), "--to", str(here / "out" / "fixture")]]

    def exchanges(self, seed: random.Random, here: Path) -> list[list[str]]:
        """A mutated exchange directory."""
        path = here / "in"
        shutil.copytree(self.folder / "exchanges" / seed.choice("012"), path)
        whole = path / "exchange.json"
        if seed.random() < 0.8:
            whole.write_bytes(_mutate_json(seed, whole.read_bytes()))
        if seed.random() < 0.3:
            whole.write_bytes(_mutate_bytes(seed, whole.read_bytes()))
        if seed.random() < 0.6:
            body = path / "body.sse"
            body.write_bytes(_mutate_bytes(seed, body.read_bytes()))
        db = ["--db", str(here / "out" / "new.db")]
        found = [["check", str(path), "--format", kind] for kind in _TEXTS]
        found += [
            ["show", str(path)],
            ["show", str(path), "--json"],
            ["diff", str(path)],
            ["diff", str(path), "--json"],
        ]
        found += [
            ["normalize", str(path), "--blame"],
            ["normalize", str(path), "--unsafe", "-o", str(here / "out/n.sse")],
        ]
        found += [["compare", str(path), str(self.folder / "exchanges" / "0")], ["import", str(path), *db], ["ls", *db]]
        return [*found, *(["export", str(path), "--as", k, "--to", str(here / "out" / k)] for k in _KINDS)]


_KINDS = ("fixture", "har", "vcr", "curl", "sse")


def _run(words: list[str], out: Path) -> dict[str, object]:
    """One command in this process; what was wrong with it."""
    for number in (1, 2):
        os.ftruncate(number, 0)
        os.lseek(number, 0, os.SEEK_SET)
    began, wrong, code = time.process_time(), [], None
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        wrong.append("traceback: " + traceback.format_exc()[-3000:])
    with contextlib.suppress(ValueError, OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    took = time.process_time() - began
    if took > _SECONDS:
        wrong.append(f"seconds: {took:.1f}")
    said, complained = ((out / name).read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr"))
    if code not in (0, 1, 2, 3, None):
        wrong.append(f"exit code: {code!r}")
    if "Traceback (most recent" in complained:
        wrong.append("traceback: " + complained[-3000:])
    shown = complained if words[0] == "normalize" else said + complained
    raw = [one for one in UNSAFE.findall(_COLOURS.sub("", shown)) if one not in "\r\n"]
    if raw and "json" not in " ".join(words) and "sarif" not in words:
        wrong.append(f"control characters: {raw[:5]!r}")
    return {"words": words, "wrong": wrong, "seconds": took}


def _look(inputs: Inputs, kind: str, seed: int, here: Path, pipe: int) -> None:
    """In a process of its own: mutate, and run all commands."""
    resource.setrlimit(resource.RLIMIT_CPU, (120, 130))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for name in ("out", "sse", "home", "tty"):
        (here / name).mkdir()
    shutil.copytree(inputs.folder / "sse", here / "sse", dirs_exist_ok=True)
    os.chdir(here / "home")
    os.environ.update(HOME=str(here / "home"), XDG_DATA_HOME=str(here / "home"), NO_COLOR="1", STREAMLAB_STAND_BACK="0")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(here / "tty" / name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), number)
    commands: Callable[[random.Random, Path], list[list[str]]] = getattr(inputs, kind)
    for words in commands(random.Random(seed), here):
        if words[0] in COMMANDS:
            os.write(pipe, (json.dumps({"begun": words}) + "\n").encode())
            os.write(pipe, (json.dumps(_run(words, here / "tty")) + "\n").encode())


def _one(inputs: Inputs, kind: str, seed: int, keep: Path | None) -> Iterator[str]:
    """What was wrong with one input."""
    root = Path(tempfile.mkdtemp(prefix="hostile-"))
    here = root / "here"
    here.mkdir()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.close(reading)
            _look(inputs, kind, seed, here, writing)
            code = 0
        except BaseException:
            os.write(writing, (json.dumps({"words": [], "wrong": [traceback.format_exc()]}) + "\n").encode())
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as file:
        lines = [json.loads(line) for line in file if line.endswith(b"\n")]
    _, status, usage = os.wait4(pid, 0)
    wrong = [f"{' '.join(line['words'])}: {one}" for line in lines for one in line.get("wrong", ())]
    if status:
        wrong.append(f"{lines[-1].get('begun') if lines else 'nothing'}: ended with status {status}")
    if usage.ru_maxrss * 1024 > _BYTES:
        wrong.append(f"memory: {usage.ru_maxrss // 1024} MB")
    names = {path.name for path in root.iterdir()} - {"here"}
    names |= {path.name for path in here.iterdir()} - {
        "out",
        "sse",
        "home",
        "tty",
        "in",
        "in.db",
        "in.db-wal",
        "in.db-shm",
    }
    wrong += [f"files outside: {name}" for name in names if not name.startswith("in.")]
    if os.environ.get("HOSTILE_SLOW"):
        print(sorted([(round(line["seconds"], 3), line["words"][:2]) for line in lines if "seconds" in line])[-8:])
    if wrong and keep is not None:
        shutil.copytree(here, keep / f"{kind}-{seed}", dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(root, ignore_errors=True)
    yield from wrong


def _load_everything(inputs: Inputs) -> None:
    """Run the commands once in this process, so that no other has to load what they need."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        here = Path(folder)
        (here / "sse").mkdir()
        for kind in ("databases", "imports_", "exchanges"):
            for words in getattr(inputs, kind)(random.Random(0), here):
                with contextlib.suppress(BaseException), contextlib.ExitStack() as silent:
                    null = silent.enter_context(open(os.devnull, "w"))
                    silent.enter_context(contextlib.redirect_stdout(null))
                    silent.enter_context(contextlib.redirect_stderr(null))
                    main(words)


def run(kind: str, count: int, first: int, keep: Path | None) -> int:
    """Print what was wrong, and how many inputs nothing was wrong with; 1 when something was."""
    began, bad, told = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        inputs = Inputs(Path(folder))
        _load_everything(inputs)
        for seed in range(first, first + count):
            found = list(_one(inputs, kind, seed, keep))
            bad += bool(found)
            for one in found:
                print(f"{kind} {seed}: {one}", flush=True)
            if (seconds := time.monotonic() - began) >= _TOLD_SECONDS * (told + 1):
                told = int(seconds // _TOLD_SECONDS)
                done = seed + 1 - first
                print(
                    f"{kind}: {done} of {count} inputs, {bad} with a fault, {seconds:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    seconds = time.monotonic() - began
    print(f"{kind}: {count - bad} of {count} inputs from {first} on without fault, {seconds:.0f} s", flush=True)
    return int(bad > 0)


def main_(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("databases", "imports", "exchanges"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where what was wrong is left")
    options = parser.parse_args(argv)
    kind = "imports_" if options.kind == "imports" else options.kind
    return run(kind, options.count, options.seed, options.keep)


if __name__ == "__main__":
    sys.exit(main_())
