"""How answers are laid out: at any width, on a terminal or into a pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from streamlab.clients.setups import setups
from streamlab.report.exchange_text import marks_of
from streamlab.report.units import milliseconds
from streamlab.rules.finding import Finding, Severity
from streamlab.storage.capture_db import CaptureDB
from tests import streams
from tests.cli.conftest import BAD
from tests.corpus import CORPUS

CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.fixture
def wide(tmp_path):
    """A database of exchanges with long labels."""
    path = tmp_path / "wide.db"
    with CaptureDB(path, write=True) as db:
        for name in ("a-first-experiment-with-a-long-name-and-its-end", "a-first-experiment-with-a-long-name-and-more"):
            db.add(streams.exchange(BAD.body, label=name, tap="gateway"))
        db.add(streams.exchange(streams.sse(streams.chat_text()), label="整理书桌并不难先从小处开始今天要用的书"))
    return path


@pytest.mark.parametrize("columns", [30, 60, 80, 100, 160])
def test_ls_has_id_worst_finding_and_how_many_more_at_any_width(run, monkeypatch, wide, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    head, *rows = run("ls", "--db", wide).out.splitlines()
    assert head.startswith("id ")
    assert head.endswith("worst finding")
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert all(row.endswith(" +2") for row in rows[:2])
    assert "error" in rows[0]
    assert all(cell_len(line) <= max(columns, 40) for line in (head, *rows))
    assert all(line == line.rstrip() for line in (head, *rows))
    if columns >= 80:
        assert "error chunk-id-changes +2" in rows[0]
        assert rows[0] != rows[1].replace("2", "1", 1), "the ends of the labels tell them apart"


def test_labels_that_differ_look_different_in_80_columns(run, monkeypatch, tmp_path):
    path = tmp_path / "shipped.db"
    with CaptureDB(path, write=True) as db:
        for one in sorted(CAPTURES.iterdir()):
            db.add(streams.exchange(BAD.body, label="demo", tap=one.name))
    monkeypatch.setenv("COLUMNS", "80")
    head, *rows = run("ls", "--db", path).out.splitlines()
    begin, end = head.index("label (…/demo)"), head.index("status")
    labels = [row[begin:end].strip() for row in rows]
    assert len(set(labels)) == len(labels) > 20
    monkeypatch.setenv("COLUMNS", "250")
    assert "openai-plain/demo" in run("ls", "--db", path).out, "where there is room, labels are whole"


def test_ls_says_the_same_to_machines(run, wide):
    rows = json.loads(run("ls", "--db", wide, "--json").out)
    assert rows[0]["worst"] == "error"
    assert rows[0]["rules"][0] == "chunk-id-changes"
    assert rows[2]["worst"] in (None, "info")


def test_ls_lists_what_it_cannot_check_since_the_database_cannot_be_written(run, wide):
    wide.chmod(0o444)
    wide.parent.chmod(0o555)
    try:
        ran = run("ls", "--db", wide)
    finally:
        wide.parent.chmod(0o755)
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 4


@pytest.mark.parametrize("words", [["show", "2"], ["check", "2"], ["diff", "2"]])
@pytest.mark.parametrize("columns", ["80", "100"])
def test_lines_are_wrapped_at_words_and_not_filled_up(run, monkeypatch, database, words, columns):
    monkeypatch.setenv("COLUMNS", "1000")
    unwrapped = run(*words, "--db", database).out
    monkeypatch.setenv("COLUMNS", columns)
    wrapped = run(*words, "--db", database).out
    lines = wrapped.splitlines()
    assert max(map(cell_len, lines)) <= int(columns)
    assert all(line == line.rstrip() for line in lines)
    too_long = " ".join(word for word in unwrapped.split() if len(word) > int(columns) // 2)
    broken = [word for word in set(wrapped.split()) - set(unwrapped.split()) if "…" not in word]
    assert [word for word in broken if word not in too_long] == []


def test_without_columns_a_pipe_gets_100(run, monkeypatch, database):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run("check", "2", "--db", database).out.splitlines()
    assert 80 < max(map(cell_len, lines)) <= 100


def test_a_rule_is_said_once_for_a_run_of_events(run, database):
    def said(*events: int) -> dict[int, list[str]]:
        return marks_of([Finding("some-rule", Severity.INFO, "", events=events)])

    assert said(1, 2, 3, 7, 9, 10) == {1: ["some-rule…3"], 7: ["some-rule"], 9: ["some-rule…10"]}
    timeline = run("show", "2", "--db", database).out.partition("findings\nerror")[0]
    assert timeline.count("chunk-id-changes") == 1


WHOLE = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1741570283, "model": "gpt-4o",
    "choices": [{
        "index": 0, "finish_reason": "stop", "logprobs": None,
        "message": {"role": "assistant", "content": "Spring is here.", "refusal": None},
    }],
    "usage": streams.USAGE,
}  # fmt: skip


def test_a_whole_answer_shows_message_and_usage_as_a_streamed_one_does(run, tmp_path):
    body = json.dumps(WHOLE).encode()
    path = tmp_path / "whole.db"
    with CaptureDB(path, write=True) as db:
        db.add(
            streams.exchange(
                [body],
                request=streams.request_for(stream=False),
                headers=(("content-type", "application/json"),),
            )
        )
        db.add(streams.exchange(streams.sse(streams.chat_text("Spring is", " here."))))
    whole, streamed = (run("show", number, "--db", path).out.rpartition("at the end\n")[2] for number in ("1", "2"))
    assert "content: Spring is here.\nfinish_reason: stop\n" in whole
    assert f'"total_tokens": {streams.USAGE["total_tokens"]}' in whole
    assert [line.split(":")[0] for line in whole.splitlines()][:3] == [
        line.split(":")[0] for line in streamed.splitlines()
    ][:3]
    assert json.loads(run("show", "1", "--db", path, "--json").out)["completion"]["content"] == "Spring is here."


def test_what_no_rule_says_is_not_called_null_and_what_names_a_dialect_is_labelled(run, folder, tmp_path):
    out = run("check", folder / "bad").out
    assert "OpenAI: data: [DONE]\n" in out
    assert "here: nothing" not in out
    assert ": null" not in out
    shown = run("show", CORPUS.parent / "captures" / "glm4-newline").out
    assert "\n  why glm4: " in shown


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
@pytest.mark.parametrize("name", ["glm4-newline", "responses-gateway-one-output-index", "messages-gateway-two-starts"])
def test_show_cuts_no_number_and_hides_no_rule_of_the_timeline_at_any_width(run, monkeypatch, columns, name):
    monkeypatch.setenv("COLUMNS", str(columns))
    capture = CAPTURES / name
    told = json.loads(run("show", capture, "--json").out)
    lines = run("show", capture).out.splitlines()
    assert max(map(cell_len, lines)) <= columns
    start = next(at for at, line in enumerate(lines) if line.split()[:1] == ["event"])
    table = lines[start + 1 : lines.index("", start)]
    left = lines[start].index("event")  # rich below 15 leaves a cell free before the first column
    shown = [line.split() for line in table if line[left : left + 5].strip()]
    for row, words in zip(told["timeline"], shown, strict=True):
        at, gap = milliseconds(row["offset_us"]), milliseconds(row["gap_us"])
        assert words[: len(f"{at} {gap}".split()) + 2] == [
            str(row["event"]),
            *at.split(),
            *gap.split(),
            str(row["size"]),
        ]
    said = "".join("".join(table).split())
    assert [one["rule"] for one in told["findings"] if one["events"] and one["rule"] not in said] == []


def test_a_client_to_ask_is_listed_with_its_whole_name_on_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = run("clients", "list").out.split()
    assert set(setups()) <= set(words)
