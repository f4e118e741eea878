"""``streamlab diff`` and what ``streamlab tui`` says without a terminal."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_broken_stream_differs(run, folder):
    ran = run("diff", folder / "bad")
    assert ran.code == 1
    assert "chunk-id-changes" in ran.out
    assert "an event is missing here" in ran.out
    assert "[DONE]" in ran.out
    assert "breaks:" in ran.out


def test_events_that_differ_alike_are_shown_once(run, folder):
    assert "events 1 to 5" in run("diff", folder / "bad").out


def test_a_conforming_stream_does_not(run, folder):
    ran = run("diff", folder / "good")
    assert ran.code == 0
    assert "as OpenAI sends it" in ran.out


def test_as_json(run, folder):
    ran = run("diff", folder / "bad", "--json")
    document = json.loads(ran.out)
    (exchange,) = document["exchanges"]
    assert document["format"] == "streamlab.diff/1"
    assert [one["event"] for one in exchange["different"]][-6:] == [1, 2, 3, 4, 5, 5]
    field = next(one for one in exchange["different"][-6]["outputs"][0]["fields"] if one["path"] == "id")
    assert field["how"] == "changed"
    assert field["here"] == "chatcmpl-1"
    assert field["openai"].startswith("chatcmpl-0")
    assert field["rule"] == "chunk-id-changes"
    assert field["reason"]
    assert exchange["different"][-1]["outcome"] == "added"


def test_two_targets_are_compared(run, folder):
    ran = run("diff", folder / "good", folder / "bad")
    assert ran.code == 1
    assert "done-lost" in ran.out


def test_three_targets_are_too_many(run, folder):
    ran = run("diff", "a", "b", "c")
    assert ran.code == 2
    assert "one target, or two" in ran.err


def test_what_is_not_there_is_told_in_a_line(run):
    ran = run("diff", "nowhere")
    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_the_workbench_needs_a_terminal(run):
    ran = run("tui")
    assert ran.code == 2
    assert "needs a terminal" in ran.err
    assert ran.err.count("\n") == 1


def test_the_browser_needs_an_extra_package(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    ran = run("tui", "--web")
    assert ran.code == 3
    assert "streamlab-sse[web]" in ran.err


def test_the_browser_needs_an_address(run):
    assert run("tui", "--web", "--listen", "nowhere").code == 2


def test_what_nothing_repairs_is_shown_where_no_event_changes(run):
    ran = run("diff", Path(__file__).parents[2] / "captures/responses-gateway-failure-as-completed")
    assert ran.code == 1
    assert "responses-completed-output-empty" in ran.out
