"""The line that says how far long work has come."""

from __future__ import annotations

import io
import sys

import pytest

from streamlab.cli import progress
from streamlab.cli.options import warn
from streamlab.cli.progress import ProgressLine


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    """A second passes with each look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "time", _Clock())


def _on(monkeypatch: pytest.MonkeyPatch, *, stderr: io.StringIO, stdout: io.StringIO) -> io.StringIO:
    """Within the test: pytest has streams of its own before it."""
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", stdout)
    return stderr


def test_rate_and_rest_are_shown_on_a_terminal_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _on(monkeypatch, stderr=_Terminal(), stdout=_Terminal())
    with ProgressLine() as line:
        line.expect(100)
        line.advance(10)
        assert "10 of 100 exchanges, " in terminal.getvalue()
        assert " a second, " in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_where_answers_come_meanwhile_nothing_is_in_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _on(monkeypatch, stderr=_Terminal(), stdout=_Terminal())
    with ProgressLine(beside_output=True) as line:
        line.advance(10)
    assert terminal.getvalue() == ""


def test_where_answers_go_elsewhere_it_is_shown_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _on(monkeypatch, stderr=_Terminal(), stdout=io.StringIO())
    with ProgressLine(beside_output=True) as line:
        line.advance(10)
        assert "10 exchanges" in terminal.getvalue()


def test_what_is_said_meanwhile_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _on(monkeypatch, stderr=_Terminal(), stdout=_Terminal())
    with ProgressLine() as line:
        line.advance(10)
        warn("a file is torn")
        assert terminal.getvalue().endswith("\r\x1b[Kstreamlab: a file is torn\n")
        line.advance()
        assert terminal.getvalue().endswith("11 exchanges …\x1b[K")


def test_a_pipe_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _on(monkeypatch, stderr=io.StringIO(), stdout=_Terminal())
    with ProgressLine() as line:
        line.advance(10)
    assert shown.getvalue() == ""
