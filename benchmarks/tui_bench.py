"""The workbench against an empty Textual app and toolong: first usable screen, memory, and answers to keys.

``python -m benchmarks.tui_bench [--quick] [--toolong PATH]``. All subjects run on a terminal of their own (a pty), in
one run, by turns. toolong needs a Textual of its own, so it gets an environment of its own when none is given.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from benchmarks import opening_bench
from benchmarks.live_recording import LiveRecording, event
from benchmarks.own_environment import command_of
from benchmarks.relay_bench import Row
from benchmarks.terminal import Terminal
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.storage.capture_db import CaptureDB

_EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    BINDINGS = [("j", "answer", "answer")]
    def compose(self):
        yield Static("this is all")
    def action_answer(self):
        self.query_one(Static).update("answered")
Empty().run()
"""
#: The target of a figure that is there to be known.
_TOLD = "none"
_STREAMLAB = str(Path(sys.executable).with_name("streamlab"))
_MARK = "chatcmpl-bench"
_BODY = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"count"}]}'
_HEAD = ResponseHead(200, (("content-type", "text/event-stream"),), 100_000)


class _Ticks(Sequence[Segment]):
    """The segments of a long stream, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Segment]: ...
    def __getitem__(self, at: int | slice) -> Segment | Sequence[Segment]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(self._count))]
        if not 0 <= at < self._count:
            raise IndexError(at)
        return Segment(100_000 + 20_000 * at, event(at))


def _exchange(segments: Sequence[Segment], label: str) -> Exchange:
    request = Request("POST", "http://127.0.0.1/v1/chat/completions", (), _BODY)
    last = segments[len(segments) - 1].offset_us or 0
    return Exchange(
        request=request,
        head=_HEAD,
        segments=segments,
        ending=Ending.COMPLETE,
        end_us=last,
        label=label,
        started_at="2026-01-01T00:00:00.000000Z",
    )


def _capture(folder: Path, count: int) -> Path:
    path = folder / f"{count}.db"
    with CaptureDB(path, write=True) as database:
        database.add(_exchange(_Ticks(count), "ticks"))
    return path


def _many(folder: Path, count: int) -> Path:
    """A capture of many small exchanges."""
    path = folder / "many.db"
    with CaptureDB(path, write=True) as database:
        database.add(_exchange(_Ticks(3), "exchange 1"))
        database.connection.executescript(
            f"""WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO exchanges SELECT i, recorder_id, started_at, 'exchange ' || i, tap, method, url,
            request_headers, request_body, status, reason, http_version, response_headers, head_us, chunked, ending,
            end_us, notes, body_bytes, segment_count, first_us FROM n JOIN exchanges ON id = 1;
            INSERT INTO segments (exchange_id, seq, offset_us, length, chunk, packed, data)
            SELECT e.id, s.seq, s.offset_us, s.length, s.chunk, s.packed, s.data FROM exchanges e JOIN
            segments s ON s.exchange_id = 1 WHERE e.id > 1;"""
        )
    return path


def _log(folder: Path, count: int) -> Path:
    """The same events as lines of text, for toolong."""
    path = folder / f"{count}.log"
    with path.open("wb") as file:
        for number in range(count):
            file.write(event(number)[:-1])
    return path


class _Bench:
    def __init__(self, folder: Path, toolong: str | None, rounds: int) -> None:
        self.folder, self.toolong, self.rounds = folder, toolong, rounds
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        (folder / "empty.py").write_text(_EMPTY_APP, encoding="utf-8")

    def command(self, subject: str, path: Path | None = None) -> tuple[list[str], str]:
        """What to run, and the text that says that its screen is usable."""
        if subject == "empty":
            return [sys.executable, str(self.folder / "empty.py")], "this is all"
        if subject == "toolong":
            assert self.toolong is not None
            return [self.toolong, str(path)], _MARK
        if subject == "list":
            return [_STREAMLAB, "tui", str(path)], "exchange 100"
        return [_STREAMLAB, "tui", f"{path}#1"], "tick0"

    def first_screens(self, subjects: list[tuple[str, str, Path | None]]) -> dict[str, list[float]]:
        """Seconds until each is usable, by turns; the first round fills the caches."""
        found: dict[str, list[float]] = {name: [] for name, _, _ in subjects}
        for number in range(self.rounds + 1):
            for name, subject, path in subjects:
                command, marker = self.command(subject, path)
                with Terminal(command, self.environment) as terminal:
                    taken = terminal.until(marker)
                if number:
                    found[name].append(taken)
        return found

    def first_answers(self, subjects: list[tuple[str, str, Path | None]]) -> dict[str, list[float]]:
        """Seconds until each has answered a key that was pressed when it was started."""
        keys = {"empty": (b"j", "answered"), "toolong": (b"\x1bOP", "Logmerger"), "workbench": (b"j", r"\b2 of \d")}
        found: dict[str, list[float]] = {name: [] for name, _, _ in subjects}
        for _ in range(self.rounds):
            for name, subject, path in subjects:
                with Terminal(self.command(subject, path)[0], self.environment) as terminal:
                    key, marker = keys[subject]
                    terminal.write(key)
                    found[name].append(terminal.until(marker))
        return found

    def memory(self, subject: str, path: Path | None) -> dict[str, int]:
        """Kilobytes at the peak, when everything has been read."""
        command, marker = self.command(subject, path)
        with Terminal(command, self.environment) as terminal:
            terminal.until(marker)
            terminal.quiet(600, lasting=4.0)
            return terminal.peak

    def answers(self, path: Path, times: int) -> dict[str, list[float]]:
        """Seconds until the screen answers, by kind of key, when the analysis is done."""
        command, marker = self.command("workbench", path)
        with Terminal(command, self.environment) as terminal:
            terminal.until(marker)
            terminal.quiet(600, lasting=4.0)
            keys: dict[str, Iterator[bytes]] = {
                "moving": iter([b"j"] * times),
                "jumping": iter([b"G", b"g"] * (times // 2)),
                "scrubbing": iter([b".", b".", b","] * (times // 3)),
                "paging": iter([b"\x04"] * times),
            }
            found = {name: [terminal.answer(one) for one in presses] for name, presses in keys.items()}
            found["searching"] = []
            for number in range(times // 4):
                terminal.answer(b"/")
                terminal.answer(b"\x15" + b"tick%d9" % number)
                found["searching"].append(terminal.answer(b"\r"))
            return found


def _following(bench: _Bench, folder: Path, events: int) -> Row:
    """How long after its commit an event of one of 20 streams is on the screen of the exchange that is open."""
    path = folder / "live.db"
    recorder = LiveRecording(path, 20, events)
    recorder.start()
    recorder.ready.wait()
    shown: dict[int, float] = {}
    with Terminal([_STREAMLAB, "tui", f"{path}#1"], bench.environment) as terminal:
        terminal.until("waiting for the first event")
        terminal.quiet(20, lasting=2.0)
        recorder.go.set()
        asked = 0
        while recorder.is_alive() or len(shown) < 5:
            drawn = terminal.seen(0.5)
            now = time.perf_counter()
            for found in re.findall(rb"tick(\d+) ", drawn):
                shown.setdefault(int(found), now)
            if shown and asked < 3:  # to the last event, which it follows from then on
                asked += 1
                terminal.write(b"G")
    lags = sorted(shown[one] - recorder.committed[one] for one in shown if one > 20 and one in recorder.committed)
    p95 = lags[max(0, -(-len(lags) * 95 // 100) - 1)] * 1000
    detail = f"median {statistics.median(lags) * 1000:.0f} ms over {len(lags)} events of one of 20 streams"
    return Row("following a recorder, p95 ms", p95, lags[0] * 1000, lags[-1] * 1000, "< 250", p95 < 250, detail)


def run(*, quick: bool = False, toolong: str | None = None) -> list[Row]:
    """Every comparison of the workbench."""
    with tempfile.TemporaryDirectory(prefix="streamlab-bench-") as name:
        folder = Path(name)
        bench = _Bench(folder, toolong or command_of("toolong", "tl"), 3 if quick else 7)
        if bench.toolong is None:
            print("  toolong could not be installed; --toolong says where it is", file=sys.stderr)
        small, large, huge = (5_000, 20_000, 50_000) if quick else (10_000, 200_000, 1_000_000)
        captures = {count: _capture(folder, count) for count in (small, large, huge)}
        log = _log(folder, large)
        many = _many(folder, 10_000 if quick else 100_000)
        subjects: list[tuple[str, str, Path | None]] = [
            ("empty", "empty", None),
            *((str(count), "workbench", path) for count, path in captures.items()),
            ("list", "list", many),
        ]
        if bench.toolong is not None:
            subjects.append(("toolong", "toolong", log))
        screens = bench.first_screens(subjects)
        rows = [
            _ratio(f"first screen, {large:,} events / empty app", screens[str(large)], screens["empty"], 1.3),
            _ratio(f"first screen, {huge:,} events / {small:,}", screens[str(huge)], screens[str(small)], 1.1),
            _below(f"first list of {'10,000' if quick else '100,000'} exchanges, s", screens["list"], 1.0),
        ]
        if bench.toolong is not None:
            rows.append(
                _ratio(f"first screen, {large:,} events / toolong", screens[str(large)], screens["toolong"], 1 / 3)
            )
            rows += _memory_rows(bench, captures[large], log, large)
        rows.append(_first_answer_row(bench, captures[large], log))
        rows += _answer_rows(bench, captures[huge], 20 if quick else 100)
        rows.append(_following(bench, folder, 150 if quick else 500))
        rows += opening_bench.rows(huge, 1 if quick else 3)
        return rows


def _ratio(name: str, ours: list[float], theirs: list[float], most: float) -> Row:
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    middle = statistics.median(ratios)
    detail = f"{statistics.median(ours) * 1000:.0f} ms / {statistics.median(theirs) * 1000:.0f} ms"
    return Row(name, middle, ratios[0], ratios[-1], f"<= {most:.2f}", middle <= most, detail)


def _first_answer_row(bench: _Bench, capture: Path, log: Path) -> Row:
    subjects: list[tuple[str, str, Path | None]] = [("empty", "empty", None), ("ours", "workbench", capture)]
    if bench.toolong is not None:
        subjects.append(("toolong", "toolong", log))
    found = bench.first_answers(subjects)
    row = _ratio("first key, pressed at the start, answered / empty app", found["ours"], found["empty"], 1.3)
    if "toolong" in found:
        toolong = f"; toolong {statistics.median(found['toolong']) * 1000:.0f} ms"
        row = dataclasses.replace(row, detail=row.detail + toolong)
    return dataclasses.replace(row, target=_TOLD, met=True)


def _below(name: str, found: list[float], most: float) -> Row:
    middle = statistics.median(found)
    return Row(name, middle, min(found), max(found), f"<= {most}", middle <= most, f"{middle * 1000:.0f} ms")


def _memory_rows(bench: _Bench, capture: Path, log: Path, count: int) -> list[Row]:
    ours, theirs = bench.memory("workbench", capture), bench.memory("toolong", log)
    empty = bench.memory("empty", None)
    screen, whole, other = ours["program"], sum(ours.values()), sum(theirs.values())
    said = f"{screen // 1024} MB screen + {ours.get('helper', 0) // 1024} MB analyst, toolong {other // 1024} MB, "
    said += f"empty app {empty['program'] // 1024} MB"
    return [
        Row(f"peak memory of the screen, {count:,} events / toolong", screen / other, screen / other, screen / other,
            "<= 0.5", screen / other <= 0.5, said),
        Row("peak memory with the analyst / toolong", whole / other, whole / other, whole / other, _TOLD, True, said),
    ]  # fmt: skip


def _answer_rows(bench: _Bench, capture: Path, times: int) -> list[Row]:
    rows = []
    for name, found in bench.answers(capture, times).items():
        ordered = sorted(found)
        p95 = ordered[max(0, -(-len(ordered) * 95 // 100) - 1)] * 1000
        detail = f"median {statistics.median(ordered) * 1000:.0f} ms, worst {ordered[-1] * 1000:.0f} ms"
        rows.append(Row(f"{name}, p95 ms", p95, ordered[0] * 1000, ordered[-1] * 1000, "< 50", p95 < 50, detail))
    return rows


def main() -> int:
    """Print the rows; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--toolong", help="toolong's command, where it is installed")
    given = parser.parse_args()
    began = time.perf_counter()
    rows = run(quick=given.quick, toolong=given.toolong)
    for row in rows:
        sign = "ok    " if row.met else "MISSED"
        print(f"{sign} {row.name:<55} {row.ratio:8.2f} ({row.low:.2f} to {row.high:.2f}) {row.target:<9} {row.detail}")
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
