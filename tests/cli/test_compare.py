"""``compare``, ``ls`` with filters, and first sightings, as a user runs them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams
from tests.cli.conftest import BAD, GOOD


@pytest.fixture
def history(tmp_path):
    """A server that was upgraded: two good answers, then one without its end, a day later."""
    path = tmp_path / "history.db"
    with CaptureDB(path, write=True) as db:
        for day, exchange in ((1, GOOD), (2, GOOD), (3, BAD)):
            db.add(replace(exchange, started_at=f"2026-11-0{day}T10:00:00.000000Z", tap="model"))
    return path


def test_two_folders_are_compared_by_their_names(run, folder):
    ran = run("compare", folder / "good", folder / "bad")
    assert ran.code == 1
    assert ran.out.splitlines()[0].startswith("introduced between good and bad: bad")
    for said in ("done-lost", "dropped [DONE]", "id-changed", "rewrote `id`", "rules seen only behind bad"):
        assert said in ran.out


def test_an_exchange_and_itself_are_exit_code_0(run, folder):
    ran = run("compare", folder / "good", folder / "good")
    assert (ran.code, ran.err) == (0, "")
    assert "passed on faithfully" in ran.out


def test_json_holds_verdict_differences_and_rows(run, folder):
    ran = run("compare", folder / "good", folder / "bad", "--json")
    document = json.loads(ran.out)
    assert document["format"] == "streamlab.compare/1"
    (hop,) = document["hops"]
    assert (hop["a"]["name"], hop["b"]["name"]) == ("good", "bad")
    assert hop["verdict"]["origin"] == "b"
    assert hop["verdict"]["guilty"] == ["bad"]
    lost = next(one for one in hop["differences"] if one["kind"] == "done-lost")
    assert lost["places"][0]["b"] is None
    assert {row["relation"] for row in hop["rows"]} == {"changed", "lost"}


def test_what_counts_as_a_mismatch_can_be_chosen(run, folder):
    words = ["compare", folder / "good", folder / "bad"]
    assert run(*words, "--fail-on", "never").code == 0
    assert run(*words, "--fail-on", "error").code == 1  # a rule at error level speaks about bad alone
    assert run(*words, "--fail-on", "info").code == 1


@pytest.mark.parametrize("words", [[], ["one"], ["a", "b", "c"], ["a", "--hops", "last"]])
def test_wrong_usage_is_one_line(run, words):
    ran = run("compare", *words)
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_hops_need_a_second_tap(run, database, folder):
    ran = run("compare", "--hops", "1", "--db", database)
    assert ran.code == 2
    assert "record both sides" in ran.err
    assert run("compare", "--hops", folder / "good").code == 2


def test_two_modes_of_one_request_are_compared_as_such(run, tmp_path):
    asked = streams.request_for(temperature=0)
    body = json.loads(asked.body or b"")
    del body["stream"]
    choice = {"index": 0, "message": {"role": "assistant", "content": "Autumn."}, "finish_reason": "stop"}
    whole = streams.exchange([streams.dump(streams.chunk(object="chat.completion", choices=[choice]))])
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text()), request=asked), tmp_path / "streamed")
    write_exchange_dir(replace(whole, request=replace(asked, body=streams.dump(body))), tmp_path / "whole")
    ran = run("compare", "streamed", "whole")
    assert ran.code == 1
    assert "parity-content" in ran.out
    document = json.loads(run("compare", "whole", "streamed", "--json").out)
    assert (document["format"], document["deterministic"]) == ("streamlab.parity/1", True)
    assert [one["rule"] for one in document["findings"]] == ["parity-content"]


# -- ls


def _ids(ran) -> list[int]:
    return [row["id"] for row in json.loads(ran.out)]


def test_ls_filters(run, history):
    def listed(*words: str) -> list[int]:
        return _ids(run("ls", "--db", history, "--json", *words))

    assert listed() == [1, 2, 3]
    assert listed("--since", "2026-11-02") == [2, 3]
    assert listed("--rule", "done-missing") == [3]
    assert listed("--rule", "done-*") == [3]
    assert listed("--label", "good", "--since", "2026-11-02") == [2]
    assert listed("--model", "gpt", "--limit", "2") == [2, 3]
    assert listed("--filter", "-rule:done-missing status:200") == [1, 2]
    assert listed("--model", "nonesuch") == []
    assert listed("--ending", "complete", "--tap", "model") == [1, 2, 3]


def test_ls_says_what_it_cannot_read(run, history):
    for words in (["--since", "soon"], ["--filter", "colour:red"], ["--label", 'a"b']):
        ran = run("ls", "--db", history, *words)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert "nothing fits" in run("ls", "--db", history, "--model", "nonesuch").err


def test_first_seen_says_since_when_a_server_does_it(run, history):
    seen = json.loads(run("ls", "--db", history, "--first-seen", "--json").out)
    missing = next(one for one in seen if one["rule"] == "done-missing")
    assert (missing["upstream"], missing["first_id"], missing["before"], missing["count"], missing["total"]) == (
        "http://127.0.0.1:8000",
        3,
        2,
        1,
        3,
    )
    assert missing["first_at"] == "2026-11-03T10:00:00.000000Z"
    text = run("ls", "--db", history, "--first-seen").out
    assert "2 without" in text
    assert "1 of 3" in text


def test_first_seen_of_an_empty_selection(run, history):
    ran = run("ls", "--db", history, "--first-seen", "--label", "nobody")
    assert (ran.code, ran.out) == (0, "")
    assert "no rule spoke" in ran.err
