"""What is on the terminal before Textual is: it looks as the workbench will, and nothing typed meanwhile is lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from select import select
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.storage.capture_db import CaptureDB
from streamlab.tui import first_frame
from streamlab.tui.drawing.layout import TOP
from streamlab.tui.link import Link
from streamlab.tui.memory import Memory
from streamlab.tui.opening import Opened
from streamlab.tui.watcher import Watcher
from tests import streams
from tests.examples import examples
from tests.tui.driving import CAPTURES, SIZES, workbench

_ESCAPES = re.compile(r"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]")
#: Only a hang takes this long, on however busy a machine.
_PATIENCE = 300.0


class _Silent(Link):
    """An analyst that has not said anything yet."""

    def send(self, question: object) -> None:
        """Say nothing."""


def _first_screen(opened: Opened, memory: Path, size: tuple[int, int]) -> list[str]:
    async def run() -> list[str]:
        async with workbench(_Silent(), opened, memory, size) as driver:
            await driver.pilot.pause()
            return driver.lines()

    return asyncio.run(run())


def _frame(opened: Opened, size: tuple[int, int]) -> list[str]:
    watcher = Watcher(opened.path)
    try:
        return [text.plain.rstrip() for _, text in first_frame.lines(opened, watcher, *size)]
    finally:
        watcher.close()


@pytest.fixture(scope="module")
def long_stream(tmp_path_factory) -> Path:
    """A stream of more events than any screen has lines."""
    path = tmp_path_factory.mktemp("long") / "long.db"
    with CaptureDB(path, write=True) as database:
        database.add(streams.exchange(streams.sse(streams.chat_text(*(f"word{n} " for n in range(300))))))
    return path


@pytest.mark.parametrize("size", [*SIZES, (60, 20), (133, 41), (140, 36)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("exchange", [1, 5, 15, None])
def test_it_is_what_the_workbench_shows_first(shipped, tmp_path, size, exchange):
    opened = Opened(shipped, exchange)
    frame, screen = _frame(opened, size), _first_screen(opened, tmp_path / "state.json", size)
    assert len(frame) > (TOP if exchange else 1)
    for number, line in enumerate(frame):
        if exchange is None or number not in range(2, TOP):  # the overview is drawn by the workbench alone
            assert screen[number].startswith(line), f"line {number}\n{line}\n{screen[number]}"


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_longer_than_the_screen_leaves_room_for_the_scrollbar(long_stream, tmp_path, size):
    opened = Opened(long_stream, 1)
    frame, screen = _frame(opened, size), _first_screen(opened, tmp_path / "state.json", size)
    assert len(frame) > TOP + 5
    for number, line in enumerate(frame[TOP:], TOP):
        assert screen[number].startswith(line)


def test_there_is_none_where_there_is_nothing_to_show(tmp_path, shipped):
    empty = tmp_path / "empty.db"
    CaptureDB(empty, write=True).close()
    memory = Memory(tmp_path / "state.json")
    for opened in (Opened(empty), Opened(tmp_path / "missing.db"), Opened(empty, 7)):
        watcher = Watcher(opened.path)
        assert first_frame.draw(opened, watcher, memory, (80, 24)) is None
        watcher.close()
    memory.capture(shipped)["filter"] = "rule:sse-*"
    watcher = Watcher(shipped)
    assert first_frame.draw(Opened(shipped), watcher, memory, (80, 24)) is None
    watcher.close()


@settings(max_examples=examples(40), deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=40), raw=st.binary(max_size=60))
def test_nothing_of_a_capture_reaches_the_terminal_raw(tmp_path_factory, text, raw):
    path = tmp_path_factory.mktemp("hostile") / "hostile.db"
    with CaptureDB(path, write=True) as database:
        body = streams.sse(streams.chat_text(text)) + b"data: " + raw + b"\n\n"
        database.add(streams.exchange(body, label=text))
    for opened in (Opened(path), Opened(path, 1)):
        watcher = Watcher(path)
        drawn = first_frame.draw(opened, watcher, Memory(path.with_suffix(".json")), (80, 24))
        watcher.close()
        assert drawn is not None
        left = re.sub(r"\x1b\[[0-9;]*[mH]", "", drawn)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", left)


# -- on a real terminal


class _Terminal:
    def __init__(self, *arguments: str, **environment: str) -> None:
        self.master, self.slave = os.openpty()
        termios.tcsetwinsize(self.slave, (24, 80))
        self.before = termios.tcgetattr(self.slave)
        self.drawn = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlab", "tui", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )

    def __enter__(self) -> _Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self) -> None:
        if select([self.master], [], [], 0.05)[0]:
            self.drawn += os.read(self.master, 1 << 16).decode("utf-8", "replace")

    def until(self, text: str) -> None:
        end = monotonic() + _PATIENCE
        while text not in _ESCAPES.sub("", self.drawn):
            assert monotonic() < end, f"{text!r} is not there: {self.drawn[-2000:]!r}"
            self.read()

    def wait(self) -> int:
        end = monotonic() + _PATIENCE
        while self.process.poll() is None:
            assert monotonic() < end, self.drawn[-2000:]
            self.read()
        self.read()
        return self.process.returncode


def test_what_is_typed_before_the_workbench_is_there_is_answered(long_stream, tmp_path):
    with _Terminal(f"{long_stream}#1", XDG_STATE_HOME=str(tmp_path)) as terminal:
        terminal.until("word0")
        assert "\x1b[?2004h" not in terminal.drawn, "Textual is there already: this is not the first frame"
        terminal.press("?")
        terminal.until("All keys")
        terminal.press("qqq")
        assert terminal.wait() == 0
        assert terminal.drawn.count("\x1b[?1049h") == terminal.drawn.count("\x1b[?1049l") == 1
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_fault_of_ours_is_told_and_is_no_success(long_stream, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    fault = "from streamlab.tui.screens.exchange import ExchangeScreen as s\ns.action_mark = lambda self: 1 / 0\n"
    (broken / "sitecustomize.py").write_text(fault, encoding="utf-8")
    with _Terminal(f"{long_stream}#1", XDG_STATE_HOME=str(tmp_path), PYTHONPATH=str(broken)) as terminal:
        terminal.until("zoom")
        terminal.press("m")
        assert terminal.wait() == 3
        assert "ZeroDivisionError" in terminal.drawn


def test_a_terminal_that_can_only_print_gets_no_frame(long_stream, tmp_path):
    with _Terminal(f"{long_stream}#1", XDG_STATE_HOME=str(tmp_path), TERM="dumb") as terminal:
        terminal.until("word0")
        assert terminal.drawn.index("\x1b[?2004h") < terminal.drawn.index("word0")


@pytest.mark.parametrize("how", ["raise ImportError('no Textual here')", "import os, signal; os.kill(os.getpid(), 2)"])
def test_the_terminal_is_given_back_when_the_workbench_cannot_be_loaded(long_stream, tmp_path, how):
    broken = tmp_path / "broken" / "textual"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text(how + "\n", encoding="utf-8")
    with _Terminal(f"{long_stream}#1", XDG_STATE_HOME=str(tmp_path), PYTHONPATH=str(broken.parent)) as terminal:
        assert terminal.wait() == (130 if "kill" in how else 1)
        assert "word0" in terminal.drawn
        assert terminal.drawn.index("\x1b[?1049l") > terminal.drawn.index("word0")
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_the_copy_of_opened_files_goes_where_the_workbench_cannot_be_loaded(tmp_path):
    broken = tmp_path / "broken" / "textual"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no Textual here')\n", encoding="utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(broken.parent), "TMPDIR": str(scratch)}
    with _Terminal(str(CAPTURES / "glm4-newline"), **environment) as terminal:
        assert terminal.wait() == 1
        assert "Timeline" in terminal.drawn
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("seen", ["Timeline", "zoom"], ids=["while it is loaded", "while it runs"])
def test_a_signal_leaves_no_copy_of_what_was_opened_and_gives_the_terminal_back(tmp_path, number, seen):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with _Terminal(
        str(CAPTURES / "glm4-newline"), XDG_STATE_HOME=str(tmp_path / "state"), TMPDIR=str(scratch)
    ) as terminal:
        terminal.until(seen)
        assert len(list(scratch.iterdir())) == 1
        terminal.process.send_signal(number)
        assert terminal.wait() in (0, 128 + number)
        assert terminal.drawn.count("\x1b[?1049h") == terminal.drawn.count("\x1b[?1049l") == 1
        assert termios.tcgetattr(terminal.slave) == terminal.before
    assert list(scratch.iterdir()) == []
