"""`streamlab doctor`, and what it finds wrong."""

from __future__ import annotations

import json
import os
import socket

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.workflows.doctor import Check, Health, examine
from tests import streams


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {one.name: one for one in checks}


def test_where_nothing_is_wrong_it_says_so(run, database):
    ran = run("doctor", "--db", database)
    assert ran.code == 0, ran.out
    assert f"{database}: 2 exchanges, intact" in ran.out
    found = json.loads(run("doctor", "--json", "--db", database).out)
    assert found["format"] == "streamlab.doctor/1"
    assert {one["state"] for one in found["checks"]} <= {"ok", "note"}
    names = {one["name"] for one in found["checks"]}
    assert names >= {"version", "packages", "database", "clock", "port 9100", "proxies", "OPENAI_BASE_URL"}


def test_a_damaged_database_is_wrong(run, database):
    data = bytearray(database.read_bytes())
    data[4096 * 2 : 4096 * 3] = b"\xa5" * 4096
    database.write_bytes(data)
    ran = run("doctor", "--db", database)
    assert ran.code == 1
    assert "\nwrong database" in ran.out
    assert ran.err == ""


def test_a_file_that_is_none_is_wrong(run, tmp_path):
    (tmp_path / "x.db").write_bytes(b"rubbish" * 100)
    assert run("doctor", "--db", "x.db").code == 1


def test_a_clock_behind_the_last_recording_is_wrong(tmp_path):
    path = tmp_path / "future.db"
    with CaptureDB(path, write=True) as db:
        db.add(streams.exchange(streams.sse(streams.chat_text()), started_at="2999-01-01T00:00:00.000000Z"))
    assert by_name(list(examine(path, {})))["clock"].state is Health.WRONG


def test_a_port_that_is_taken_is_said(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("streamlab.workflows.doctor._PORTS", (("record", port),))
        found = by_name(list(examine(tmp_path / "x.db", {})))[f"port {port}"]
    assert found.state is Health.NOTE
    assert "--listen" in found.said


@pytest.mark.parametrize(
    ("environment", "name", "state", "said"),
    [
        ({}, "proxies", Health.OK, "none"),
        ({"HTTPS_PROXY": "http://me:secret@proxy:3128"}, "proxies", Health.NOTE, "http://…@proxy:3128"),
        ({"https_proxy": "http://proxy", "NO_PROXY": "localhost"}, "proxies", Health.OK, "NO_PROXY=localhost"),
        ({}, "OPENAI_BASE_URL", Health.OK, "asks OpenAI"),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:9100/v1"},
            "OPENAI_BASE_URL",
            Health.OK,
            "asks http://127.0.0.1:9100/v1",
        ),
        ({"OPENAI_BASE_URL": "127.0.0.1:9100"}, "OPENAI_BASE_URL", Health.WRONG, "not an http:// address"),
        ({}, "ANTHROPIC_BASE_URL", Health.OK, "asks Anthropic"),
        ({"ANTHROPIC_BASE_URL": "http://x:1"}, "ANTHROPIC_BASE_URL", Health.OK, "asks http://x:1"),
        ({"ANTHROPIC_BASE_URL": "http://x:1/v1"}, "ANTHROPIC_BASE_URL", Health.NOTE, "add /v1 themselves"),
    ],
)
def test_the_environment_of_a_child_is_told(tmp_path, environment, name, state, said):
    found = by_name(list(examine(tmp_path / "x.db", environment)))[name]
    assert (found.state, said in found.said) == (state, True), found
    assert "secret" not in found.said


@pytest.mark.parametrize("words", [["record", "--upstream", "http://x"], ["replay", "1"], ["probe", "http://x/v1"]])
def test_without_fork_they_say_in_one_line_what_they_need(run, monkeypatch, words):
    monkeypatch.delattr(os, "fork")
    ran = run(*words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    assert f"{words[0]} needs Linux or macOS" in ran.err
