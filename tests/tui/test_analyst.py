"""The analyst: what it leaves to a thread that stands back, and what it does itself."""

from __future__ import annotations

import io
import queue
import shutil
import threading

import pytest

from streamlab.tui import protocol
from streamlab.tui.analysis_session import AnalysisSession
from streamlab.tui.analyst import Analyst


@pytest.fixture
def worked(monkeypatch):
    """Asks an analyst, and tells each kind of work it did, with the name of the thread that did it."""

    def ask(*asked: object) -> set[tuple[str, str]]:
        done, questions, step = set(), queue.SimpleQueue(), Analyst._step
        for question in asked:
            questions.put(question)

        def noting(self, name):
            done.add((name, threading.current_thread().name))
            step(self, name)
            if not set(self._work) - self._idle:
                questions.put(None)

        monkeypatch.setattr(Analyst, "_step", noting)
        analyst = Analyst(io.BytesIO())
        analyst.run(questions)
        if analyst._session is not None:
            analyst._session.close()
        return done

    return ask


def test_an_open_exchange_that_is_over_is_worked_on_like_anything_else(worked, shipped):
    assert worked(protocol.Open(1, str(shipped), 5)) == {("session", threading.current_thread().name)}


def test_an_exchange_that_a_recorder_still_writes_is_left_to_who_stands_back(worked, shipped, monkeypatch):
    monkeypatch.setattr(AnalysisSession, "finished", False)
    assert worked(protocol.Open(1, str(shipped), 5)) == {("session", "background")}


def test_what_nobody_waits_for_is_left_to_who_stands_back(worked, shipped, tmp_path):
    capture = shutil.copy(shipped, tmp_path / "copied.db")
    asked = protocol.Summarize(str(capture), (1, 2, 3)), protocol.Open(1, str(shipped), 5)
    assert worked(*asked) == {("session", threading.current_thread().name), ("summaries", "background")}
