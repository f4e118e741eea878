"""``streamlab normalize``: the stream on stdout, the account on stderr, exit codes."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import pytest

from streamlab.apis.chat.repairs.closing import Closing
from streamlab.judging.analyzer import analyze
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams

CUT = streams.exchange(streams.sse(streams.chat_text()[:-1], done=False))
LEAK = [streams.chunk({"role": "assistant", "content": ""})]
LEAK += [streams.chunk({"content": '<tool_call>\n{"name":"get_weather","arguments":{"city":"Oslo"}}\n</tool_call>'})]
LEAK += [streams.chunk({}, "stop")]


@pytest.fixture
def cut(tmp_path):
    return write_exchange_dir(CUT, tmp_path / "cut") or tmp_path / "cut"


def test_a_good_stream_comes_out_as_it_is(run, folder):
    ran = run("normalize", folder / "good")
    assert (ran.code, ran.out.encode()) == (0, streams.sse(streams.chat_text()))
    assert "nothing to mend" in ran.err


def test_what_was_repaired_goes_to_stderr(run, folder, tmp_path):
    ran = run("normalize", folder / "bad", "-o", tmp_path / "out.sse")
    assert (ran.code, ran.out) == (0, "")
    assert "mended chunk-id-changes (5 events)" in ran.err
    repaired = (tmp_path / "out.sse").read_bytes()
    assert repaired.endswith(b"data: [DONE]\n\n")
    assert run("check", tmp_path / "out.sse", "--fail-on", "info").code == 0


def test_what_cannot_be_repaired_is_exit_code_1(run, cut):
    ran = run("normalize", cut)
    assert ran.code == 1
    assert "not mended: finish-reason-missing" in ran.err
    assert '"code":"upstream_truncated"' in ran.out


def test_blame_as_text_and_as_json(run, folder):
    text = run("normalize", folder / "bad", "--blame").out
    assert "derived   from 1" in text
    assert 'chunk-id-changes: id was "chatcmpl-1", now "chatcmpl-0"' in text
    assert "invented  from -" in text
    document = json.loads(run("normalize", folder / "bad", "--blame", "--json").out)
    assert document["format"] == "streamlab.blame/1"
    assert [event["origin"] for event in document["events"]] == [*["derived"] * 6, "invented"]
    assert document["events"][1]["changes"][0]["was"] == "chatcmpl-1"
    assert document["mended"] == {"chunk-id-changes": 5, "chunk-id-not-unique": 6, "done-missing": 1}


def test_json_on_stderr_beside_the_stream(run, cut):
    ran = run("normalize", cut, "--json")
    assert json.loads(ran.err)["unmended"][0]["rule"] == "finish-reason-missing"


def test_guesses_only_when_asked(run, tmp_path):
    leak = streams.exchange(streams.sse(LEAK), request=streams.request_for(tools=True))
    write_exchange_dir(leak, tmp_path / "leak")
    assert run("normalize", tmp_path / "leak").code == 1
    ran = run("normalize", tmp_path / "leak", "--unsafe")
    assert ran.code == 0
    assert '"tool_calls"' in ran.out
    assert "a guess" in ran.err


def test_standard_input_and_hostile_text(run, monkeypatch):
    hostile = streams.frame(b"\x1b[31mred\x1b[0m")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(hostile)))
    ran = run("normalize", "-", "--blame")
    assert "\x1b" not in ran.out + ran.err


def test_wrong_usage_is_exit_code_2(run, folder):
    assert run("normalize", folder / "nothing").code == 2
    assert run("normalize", folder).code == 2
    assert run("normalize", folder / "good", "--api", "nonsense").code == 2


def test_a_repair_that_raises_costs_nothing_of_the_answer(run, folder, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Closing, "event", fail)
    ran = run("normalize", folder / "good")
    assert (ran.code, ran.out.encode()) == (3, streams.sse(streams.chat_text()))
    assert "a repair of ours raised ZeroDivisionError: a fault of ours" in ran.err


def test_what_is_left_is_named_with_the_option_that_would_help(run, tmp_path):
    """Exit code 1 never comes without a word on what is left; what was made up is named too."""
    (tmp_path / "cut.sse").write_bytes(streams.sse(streams.chat_text("a")[:-1]))
    ran = run("normalize", tmp_path / "cut.sse")
    assert ran.code == 1
    assert "left: finish-reason-missing; normalize --unsafe mends it, by a guess" in ran.err
    (tmp_path / "open.sse").write_bytes(streams.sse(streams.chat_text("a"), done=False))
    ran = run("normalize", tmp_path / "open.sse")
    assert (ran.code, "made up" in ran.err, "[DONE] (done-missing)" in ran.err) == (0, True, True)


@pytest.mark.parametrize(
    ("method", "notes", "why"),
    [("HEAD", {}, "the answer to HEAD has no body"), ("POST", {"body": "unknown"}, "the body is not in the recording")],
)
def test_what_holds_no_answer_is_left_as_it_is_out_of_a_database_too(run, tmp_path, method, notes, why):
    """Its reads were asked for once the database was closed."""
    asked = replace(streams.request_for(), method=method)
    with CaptureDB(tmp_path / "x.db", write=True) as db:
        db.add(replace(streams.exchange([], request=asked), notes=notes))
    ran = run("normalize", tmp_path / "x.db#1")
    assert (ran.code, ran.out, ran.err.strip()) == (0, "", f"left as it is: {why}")


def test_an_account_of_what_asks_too_much_is_one_line(run, tmp_path, monkeypatch):
    """Secrets are not looked for in a hundred megabytes, and what goes by unread is not listed by its pieces."""
    monkeypatch.setattr("streamlab.sharing.shown.as_shown", None)
    first, second, *rest = streams.chat_text()
    second["choices"][0]["delta"]["content"] = "x" * 9_000_000
    (tmp_path / "large.sse").write_bytes(streams.sse([first, second, *rest]))
    ran = run("normalize", "large.sse", "--blame")
    assert (ran.code, ran.out) == (0, "")
    assert "no event is told of a stream that asks too much" in ran.err
    told = run("normalize", "large.sse", "--blame", "--keep-secrets").out.splitlines()
    assert len(told) == 2
    assert told[-1].endswith("bytes)")
    document = json.loads(run("normalize", "large.sse", "--blame", "--keep-secrets", "--json").out)
    assert sum(event["bytes"] for event in document["events"]) == (tmp_path / "large.sse").stat().st_size


def test_what_is_left_is_looked_for_once(run, cut, monkeypatch):
    """To judge a large stream takes as long as to mend it."""
    judged = []

    def counting(exchange, **options):
        judged.append(exchange)
        return analyze(exchange, **options)

    for module in ("judging.analyzer", "repairing.normalizer", "report.blame"):
        monkeypatch.setattr(f"streamlab.{module}.analyze", counting)
    ran = run("normalize", cut)
    assert ran.code == 1
    assert "left: " in ran.err or "not mended: " in ran.err
    assert len(judged) == 1
