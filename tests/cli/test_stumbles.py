"""What makes a stranger stumble: names slightly wrong, files that hold nothing, reports without counts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from streamlab.apis.registry import by_name
from streamlab.storage.capture_db import CaptureDB
from tests import streams


def test_ls_refuses_a_rule_that_is_none(run, database):
    ran = run("ls", "--rule", "done-mising", "--db", database)
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean done-missing?" in ran.err
    assert run("ls", "--rule", "chunk-id-*", "--db", database).out.splitlines()[1].startswith(" 2")


def test_check_takes_the_name_of_a_client_that_it_prints(run, folder):
    printed = run("check", folder / "bad").out
    name = printed.partition("breaks: ")[2].partition(";")[0].partition(":")[0]
    ran = run("check", folder / "bad", "--client", name)
    assert ran.code == 1
    assert "error" in ran.out
    assert run("check", folder / "bad", "--client", "Codex CLI").code in (0, 1)


@pytest.mark.parametrize(
    ("wrong", "right"), [("codx", "codex"), ("langchian", "langchain"), ("Codex CLO", "Codex CLI")]
)
def test_a_client_that_is_none_is_met_with_the_nearest(run, folder, wrong, right):
    ran = run("check", folder, "--client", wrong)
    assert ran.code == 2
    assert f"Did you mean {right!r}?" in ran.err
    assert "known:" in run("check", folder, "--client", "zzzzzz").err


def test_junit_has_counts(run, folder):
    for fail_on, failures in (("warning", "1"), ("never", "0")):
        suites = ElementTree.fromstring(run("check", folder, "--format", "junit", "--fail-on", fail_on).out)
        for one in (suites, suites[0]):
            assert (one.get("tests"), one.get("failures"), one.get("errors")) == ("2", failures, "0")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.har", '{"log": {"entries": []}}'),
        ("empty.yaml", "interactions: []\n"),
        ("nothing.har", ""),
        ("nothing.sse", ""),
    ],
)
def test_a_file_without_an_exchange_is_refused_in_one_line(run, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    ran = run("import", name, "--db", "new.db")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert name in ran.err


def test_a_device_is_no_recording(run):
    ran = run("import", "/dev/null", "--db", "new.db")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_a_fixture_without_a_label_is_called_after_the_model(run, tmp_path):
    with CaptureDB(tmp_path / "x.db", write=True) as db:
        db.add(streams.exchange(streams.sse(streams.chat_text()), request=streams.request_for(model="GLM-4/flash")))
    written = run("export", "last", "--db", "x.db", "--to", "out").out.strip()
    assert written == "out/glm-4-flash-1"


@pytest.mark.parametrize(("file", "name"), [("bug.txt", "bug"), ("bug.sse", "bug"), ("gpt-4.1", "gpt-4.1")])
def test_a_fixture_of_a_file_is_called_after_it_and_not_after_its_kind(run, tmp_path, file, name):
    (tmp_path / file).write_bytes(streams.sse(streams.chat_text()))
    assert run("export", file, "--to", "out").out.strip() == f"out/{name}"


def test_whole_answers_for_machines_hold_what_came(run, database):
    assert json.loads(run("show", "1", "--db", database, "--json").out)["completion"]["content"]


@pytest.mark.parametrize(("content", "begins"), [(b"hello\n", "“hello␊”"), (b"\x15\x9b", "“␕\\x9b”"), (b"{}", "“{}”")])
def test_what_is_no_stream_is_said_in_one_line_that_shows_how_it_begins(run, tmp_path, content, begins):
    (tmp_path / "odd.bin").write_bytes(content)
    ran = run("check", "odd.bin")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"streamlab: odd.bin: nothing in it is an event of a stream (it begins {begins})\n"


def test_a_folder_without_an_exchange_is_said(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "settings.yml").write_text("name: x\n")
    done = run("import", tmp_path / "in", "--db", tmp_path / "x.db")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize("columns", ["80", "100", "160"])
def test_the_list_of_rules_has_each_name_whole(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    first = {line.split(maxsplit=1)[0] for line in run("rules").out.splitlines() if line[:1] != " "}
    assert first - {"rule"} == set(by_name())


def test_one_event_is_no_events(run, tmp_path):
    (tmp_path / "one.sse").write_bytes(streams.sse([], done=True))
    assert " 1 event " in run("check", "one.sse").out


def test_diff_tells_the_members_of_a_call_apart(run, tmp_path):
    arguments = "choices[0].delta.tool_calls[0].function.arguments"
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": None}}
    finish = streams.chunk({}, "tool_calls")
    (tmp_path / "call.sse").write_bytes(streams.sse([streams.chunk({"tool_calls": [call]}), finish]))
    assert f"  ~ {arguments} " in run("diff", "call.sse").out
    assert "function_call" not in run("diff", "call.sse").out


def test_a_value_of_diff_stands_beside_its_member(run, tmp_path):
    (tmp_path / "odd.sse").write_bytes(streams.sse([{**one, "id": ""} for one in streams.chat_text()]))
    lines = run("diff", "odd.sse").out.splitlines()
    assert {line.index('"" → ') for line in lines if line.startswith("  ~ id ")} == {22}


def test_an_exchange_without_a_label_leaves_no_gap(run, tmp_path):
    (tmp_path / "plain.sse").write_bytes(streams.sse(streams.chat_text()))
    run("import", "plain.sse", "--db", "new.db")
    assert run("show", "last", "--db", "new.db").out.splitlines()[0].count("  ") <= 1
