"""The analyst process: what happens when it dies."""

from __future__ import annotations

import os
import queue
import signal

import pytest

from streamlab.tui import protocol
from streamlab.tui.link import Link


@pytest.fixture
def answers():
    """A link, and what its listener heard."""
    link, heard = Link(), queue.SimpleQueue()
    link.listener = heard.put
    yield link, heard
    link.close()


def test_a_process_that_dies_is_told_and_replaced_at_the_next_question(answers, shipped):
    link, heard = answers
    link.send(protocol.Open(1, str(shipped), 5))
    assert isinstance(heard.get(timeout=300), protocol.Indexed)
    first = link.pid
    os.kill(first, signal.SIGKILL)
    while not isinstance(answer := heard.get(timeout=300), protocol.Failed):
        pass
    assert "stopped unexpectedly" in answer.message
    link.send(protocol.Open(2, str(shipped), 5))
    while not isinstance(answer := heard.get(timeout=300), protocol.Analyzed):
        pass
    assert answer.token == 2
    assert link.pid != first


def test_closing_says_nothing_and_leaves_no_process(answers, shipped):
    link, heard = answers
    link.send(protocol.Open(1, str(shipped), 5))
    assert isinstance(heard.get(timeout=300), protocol.Indexed)
    process = link._process
    link.close()
    assert process.returncode is not None
    assert link.pid is None
    while not heard.empty():
        assert not isinstance(heard.get(), protocol.Failed)
