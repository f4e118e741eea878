"""Runs two versions of streamlab over the same exchanges and lists every difference in what they say and repair.

    python tools/compare_commits.py main . --over corpus --over fixtures --jobs 2
    python tools/compare_commits.py ../before ../after --over ../shared/corpus --full

A version is a folder with a checkout, or a commit, which is checked out into a temporary worktree. Of each exchange
below the folders (an exchange directory, or a bare .sse file) both versions give the report of ``check --format json``
and, safe and ``--unsafe``, the bytes and the account of ``normalize --blame --json``. They are asked through the
command line, in one process for each version and job, so versions whose modules lie elsewhere compare as well.

Exit code 0 when all is alike, 1 when something differs, 2 when a version or a folder cannot be read.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

_LINES_SHOWN = 40
_PROGRESS_EVERY = 50
_REPOSITORY = Path(__file__).resolve().parents[1]

# -- the worker: runs inside one version ------------------------------------------------------------------------------


def _work(checkout: str) -> None:
    """Answer each line of standard input, the path of an exchange, with one line of JSON: what this version says."""
    sys.path.insert(0, checkout)
    sys.dont_write_bytecode = True
    import streamlab

    if not Path(streamlab.__file__).is_relative_to(checkout):
        sys.exit(f"{checkout} holds no streamlab: {streamlab.__file__} was imported")
    answers = sys.stdout
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # no project's configuration speaks
        for line in sys.stdin:
            answers.write(json.dumps(_said(json.loads(line))) + "\n")
            answers.flush()


def _said(target: str) -> dict[str, Any]:
    said = {"check": _run("check", "--format", "json", "--fail-on", "never", target)}
    said["check"].pop("file", None)
    report = _json(said["check"].pop("out"))
    if isinstance(report, dict):
        report.pop("version", None)
    said["check"]["report"] = report
    for name, options in (("safe", ()), ("unsafe", ("--unsafe",))):
        answer = _run("normalize", target, "-o", "mended.sse", "--blame", "--json", *options)
        answer["account"] = _json(answer.pop("out"))
        said[name] = answer
    return said


def _run(*argv: str) -> dict[str, Any]:
    """The exit code, the text on stdout and stderr and the file that a command wrote."""
    import io

    from streamlab.cli import main

    made = Path("mended.sse")
    made.unlink(missing_ok=True)
    kept = sys.stdout, sys.stderr
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    sys.stdout, sys.stderr = out, err
    code: Any = 0
    try:
        main(argv)
    except SystemExit as ended:
        code = ended.code
    except Exception as error:  # a traceback is a difference worth reading
        code = f"raised {type(error).__name__}: {error}"
    finally:
        sys.stdout, sys.stderr = kept
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    file = made.read_bytes().decode("latin-1") if made.exists() else None
    return {"exit": code, "out": texts[0], "err": texts[1], "file": file}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# -- the comparison ---------------------------------------------------------------------------------------------------


class Version:
    """One version under comparison, as a process that answers."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", str(checkout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, target: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(target) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(2)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each thing that differs, by a name like "safe.file", with the lines that do."""
    for command in ("check", "safe", "unsafe"):
        for part in sorted(before[command].keys() | after[command].keys()):
            one, other = before[command].get(part), after[command].get(part)
            if one != other:
                changed = difflib.unified_diff(_lines(one), _lines(other), "before", "after", n=0, lineterm="")
                yield f"{command}.{part}", [line for line in islice(changed, 2, None) if not line.startswith("@@")]


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    return json.dumps(value, indent=1, ensure_ascii=False).splitlines()


def exchanges(folders: list[Path]) -> Iterator[str]:
    """Exchange directories and bare .sse files below the folders, sorted."""
    for folder in folders:
        if folder.is_file():
            yield str(folder)
        for place, below, files in os.walk(folder):
            below.sort()
            if "exchange.json" in files:
                yield place
            else:
                yield from (os.path.join(place, file) for file in sorted(files) if file.endswith(".sse"))


def _checkout(version: str, cleanup: ExitStack) -> Path:
    """The folder of a version: itself, or a worktree of the commit it names, removed at the end."""
    if (Path(version) / "streamlab" / "__init__.py").is_file():
        return Path(version).resolve()
    folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory())) / "checkout"
    git = ["git", "-C", str(_REPOSITORY), "worktree"]
    made = subprocess.run([*git, "add", "-q", "--detach", str(folder), version], capture_output=True, text=True)
    if made.returncode:
        print(f"{version} is neither a checkout nor a commit: {made.stderr.strip()}", file=sys.stderr)
        raise SystemExit(2)
    cleanup.callback(subprocess.run, [*git, "remove", "--force", str(folder)], check=True)
    return folder.resolve()


def compare(checkouts: tuple[Path, Path], targets: list[str], *, jobs: int, full: bool) -> Counter[str]:
    """Print every difference over the targets; how many exchanges differ in which thing."""
    tally: Counter[str] = Counter()
    idle: SimpleQueue[tuple[Version, Version]] = SimpleQueue()
    pairs = [(Version(checkouts[0]), Version(checkouts[1])) for _ in range(jobs)]
    for pair in pairs:
        idle.put(pair)

    def one(target: str) -> list[tuple[str, list[str]]]:
        pair = idle.get()
        try:
            for version in pair:
                version.ask(target)
            return list(differences(*(version.answer() for version in pair)))
        finally:
            idle.put(pair)

    with ThreadPoolExecutor(jobs) as pool:
        for number, (target, found) in enumerate(zip(targets, pool.map(one, targets), strict=True), 1):
            if found:
                tally["exchanges"] += 1
                tally.update(name for name, _ in found)
                print(f"\n{target}")
                for name, lines in found:
                    print(f"  {name}")
                    shown = lines if full else [line[:300] for line in lines[:_LINES_SHOWN]]
                    print("\n".join(f"    {line}" for line in shown))
                    if len(shown) < len(lines):
                        print(f"    … {len(lines) - len(shown)} more lines (--full)")
            if number % _PROGRESS_EVERY == 0 or number == len(targets):
                text = f"{number}/{len(targets)} exchanges, {tally['exchanges']} differ"
                print(text, file=sys.stderr, end="\r" if sys.stderr.isatty() and number < len(targets) else "\n")
    for pair in pairs:
        for version in pair:
            version.close()
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a checkout's folder, or a commit")
    parser.add_argument("after", help="the same")
    parser.add_argument("--over", action="append", type=Path, metavar="FOLDER", help="[default: corpus and fixtures]")
    parser.add_argument("--jobs", type=int, default=1, help="pairs of processes  [default: 1, which takes two cores]")
    parser.add_argument("--full", action="store_true", help="every line of every difference")
    asked = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # what streams hold is hostile
    folders = asked.over or [_REPOSITORY / "corpus", _REPOSITORY / "fixtures"]
    missing = [str(folder) for folder in folders if not folder.exists()]
    if missing:
        print(f"no such folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    targets = list(exchanges([folder.resolve() for folder in folders]))
    with ExitStack() as cleanup:
        checkouts = _checkout(asked.before, cleanup), _checkout(asked.after, cleanup)
        tally = compare(checkouts, targets, jobs=asked.jobs, full=asked.full)
    print(f"\n{tally['exchanges']} of {len(targets)} exchanges differ")
    for name, count in sorted((name, count) for name, count in tally.items() if name != "exchanges"):
        print(f"  {name}: {count}")
    return 1 if tally["exchanges"] else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        _work(sys.argv[2])
    else:
        sys.exit(main())
