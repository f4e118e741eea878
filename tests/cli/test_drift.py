"""Recorded questions asked again: what changed in shape is told, what a model may choose is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamlab.comparing.drift import shape_changes, shape_of
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.workflows.regression.fixture import write_expectations
from streamlab.workflows.replay import replay
from tests import streams

CLEAN = streams.chat_text("One", " two")


def _changes(before: Exchange, after: Exchange) -> list[tuple[str, str]]:
    shapes = [shape_of(one, analyze(one), frozenset()) for one in (before, after)]
    return [(str(one.aspect), one.text) for one in shape_changes(*shapes)]


def _changed(change: Callable[[dict[str, Any]], object]) -> Exchange:
    chunks = json.loads(json.dumps(CLEAN))
    for chunk in chunks:
        change(chunk)
    return streams.exchange(streams.sse(chunks))


def test_words_ids_numbers_and_cuts_are_no_change():
    other = [{**one, "id": "chatcmpl-other", "created": 5} for one in streams.chat_text("X", *" y" * 9)]
    assert _changes(streams.exchange(streams.sse(CLEAN)), streams.exchange(streams.sse(other))) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: one.update(extra=[{"a": 1}]), ("members", "gained extra (array)")),
        (lambda one: one.pop("system_fingerprint"), ("members", "lost system_fingerprint (string)")),
        (lambda one: one.update(created="5"), ("members", "created: number before, string now")),
        (lambda one: one.update(object="chunk"), ("findings", "gained object-wrong (error)")),
    ],
)
def test_members_types_and_findings_that_change_are_told(change, told):
    assert told in _changes(streams.exchange(streams.sse(CLEAN)), _changed(change))


def test_another_status_end_order_or_delivery_is_told():
    clean = streams.exchange(streams.sse(CLEAN))
    assert ("events", "lost [DONE]") in _changes(clean, streams.exchange(streams.sse(CLEAN, done=False)))
    assert _changes(clean, streams.exchange(b"{}", status=500))[0] == ("status", "200 before, 500 now")
    swapped = streams.exchange(streams.sse([CLEAN[-1], *CLEAN[:-1]]))
    assert ("order", "the same events come in another order") in _changes(clean, swapped)
    many = streams.sse(streams.chat_text(*["a"] * 10))
    told = ("delivery", "streamed before, in one piece now")
    assert told in _changes(streams.exchange(many), streams.exchange([many]))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Two questions of one shape; one of a third cannot be asked again."""
    for number in range(2):
        request = streams.request_for(seed=number, path="/openai/v1/chat/completions")
        home = tmp_path / "questions" / f"q{number}"
        write_exchange_dir(streams.exchange(streams.sse(CLEAN), request=request), home)
        write_expectations(home, read_exchange_dir(home))
    masked = streams.request_for(api_key="REDACTED")
    write_exchange_dir(streams.exchange(streams.sse(CLEAN), request=masked), tmp_path / "questions" / "secret")
    return tmp_path / "questions"


def test_questions_are_asked_again_and_changed_answers_written_anew(run, questions, tmp_path):
    changed = tmp_path / "changed"
    write_exchange_dir(streams.exchange(streams.sse(CLEAN, done=False)), changed)
    asked = ("drift", questions, "--per-minute", "0", "--json", "--against")

    def told(done):
        return {one["name"]: [change["text"] for change in one["changes"]] for one in json.loads(done.out)["questions"]}

    with replay(questions / "q0", match="any", speed=1) as server:
        done = run(*asked, server.base_url)
        assert done.code == 0
        assert told(done) == {"q0": [], "q1": [], "secret": []}
        assert len(server.requests) == 2
    with replay(changed, match="any", speed=1) as server:
        done = run(*asked, server.base_url)
        assert done.code == 1
        assert told(done)["q1"] == ["lost [DONE]", "gained done-missing (warning)"]
        assert run(*asked, server.base_url, "--update").code == 1
        assert run(*asked, server.base_url).code == 0
    assert read_exchange_dir(questions / "q1").body == read_exchange_dir(changed).body
    assert b"[DONE]" in (questions / "q1" / "expected.sse").read_bytes()


def test_a_run_that_was_broken_off_goes_on_where_it_was(run, questions, tmp_path):
    """What was asked lies beside the questions until all are."""
    from streamlab.workflows import drift as drifting

    def broken(name: str) -> None:
        raise KeyboardInterrupt

    with replay(questions / "q0", match="any", speed=1) as server:
        with pytest.raises(KeyboardInterrupt):
            list(drifting.drift(str(questions), server.base_url, per_minute=0, update=False, advance=broken))
        assert len(server.requests) == 1
        assert run("drift", questions, "--against", server.base_url, "--per-minute", "0").code == 0
        assert len(server.requests) == 2
    assert sorted(one.name for one in questions.iterdir()) == ["q0", "q1", "secret"]


def test_a_server_that_is_not_there_is_said(run, questions):
    done = run("drift", questions, "--against", "http://127.0.0.1:1/v1", "--per-minute", "0")
    assert done.code == 3
    assert "cannot be reached" in done.err
    assert not (questions / ".streamlab-drift.db").exists()


def test_what_changed_is_told_before_it_is_taken(questions, tmp_path):
    """Whoever stops at what is shown keeps what was recorded."""
    from streamlab.workflows import drift as drifting

    changed = tmp_path / "changed"
    write_exchange_dir(streams.exchange(streams.sse(CLEAN, done=False)), changed)
    before = read_exchange_dir(questions / "q0").body
    with replay(changed, match="any", speed=1) as server:
        told = drifting.drift(str(questions), server.base_url, per_minute=0, update=True, advance=lambda _: None)
        first = next(told)
        assert first.name == "q0"
        assert [one.text for one in first.changes] == ["lost [DONE]", "gained done-missing (warning)"]
        assert read_exchange_dir(questions / "q0").body == before
        next(told)
        assert read_exchange_dir(questions / "q0").body == read_exchange_dir(changed).body
        assert read_exchange_dir(questions / "q1").body == before
        told.close()
    assert read_exchange_dir(questions / "q1").body == before
