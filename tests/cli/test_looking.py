"""``ls``, ``show``, ``import``, ``export``, ``prune``, ``rules``, ``rule``, and the group itself."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from streamlab import cli
from streamlab.apis.registry import by_name


def test_help_names_every_command(run):
    ran = run("--help")
    assert ran.code == 0
    for name in cli.COMMANDS:
        assert f"\n  {name} " in ran.out


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_help_with_examples(run, name):
    ran = run(name, "--help")
    assert ran.code == 0
    assert "Example" in ran.out


def test_ls_lists_what_was_recorded(run, database):
    rows = json.loads(run("ls", "--db", database, "--json").out)
    assert [(row["id"], row["label"], row["status"], row["ending"]) for row in rows] == [
        (1, "good", 200, "complete"),
        (2, "bad", 200, "complete"),
    ]
    text = run("ls", "--db", database).out
    assert "good" in text
    assert "complete" in text


def test_without_a_database_it_says_what_makes_one(run):
    for words in (["ls"], ["show", "last"], ["check", "last"], ["prune", "--keep", "1"]):
        ran = run(*words)
        assert ran.code == 2
        assert "streamlab record" in ran.err


def test_show_has_timeline_findings_numbers_and_completion(run, database):
    out = run("show", "2", "--db", database).out
    for said in ("finish_reason 'stop'", "done-missing", "TTFT", "Spring is here."):
        assert said in out
    shown = json.loads(run("show", "last", "--db", database, "--json").out)
    assert shown["id"] == 2
    assert len(shown["timeline"]) == 6
    assert sum(length for _, length in shown["segments"]) == shown["metrics"]["bytes"]


def test_show_gives_each_block_of_a_message_its_line(run):
    out = run("show", Path(__file__).parents[2] / "captures" / "anthropic-thinking").out
    lines = [line for line in out.splitlines() if line.startswith(("blocks:", "  0 ", "  1 "))]
    assert [line.split()[:2] for line in lines] == [["blocks:"], ["0", "thinking"], ["1", "text"]]


def test_show_wants_one_exchange(run, folder):
    ran = run("show", folder)
    assert ran.code == 2
    assert "name one" in ran.err


def test_the_bundle_that_a_card_names_is_made_by_the_command_that_is_told(run, folder, tmp_path):
    shown = run("export", folder / "good", "--as", "markdown")
    [told] = (line for line in shown.err.splitlines() if line.startswith("to attach: streamlab bundle "))
    [named] = set(re.findall(r"[\w-]+\.slab", shown.out))
    assert run(*shlex.split(told)[3:]).code == 0
    assert (tmp_path / named).is_file()
    assert f"  {told}" in run("export", folder / "good", "--as", "markdown", "--to", tmp_path / "cards").err
    assert "to attach" not in run("export", folder / "good", "--as", "html", "--to", tmp_path / "page.html").err


def test_import_and_export_round_trip(run, folder, tmp_path):
    assert run("import", folder / "good", "--db", "new.db").code == 0
    exported = run("export", "last", "--db", "new.db", "--to", "out").out.strip()
    for name in ("body.sse",):
        assert (tmp_path / exported / name).read_bytes() == (folder / "good" / name).read_bytes()
    again = run("export", "last", "--db", "new.db", "--to", "out").out.strip()
    assert again != exported


def test_prune_deletes_and_refuses_to_guess(run, database):
    assert run("prune", "--db", database).code == 2
    assert "deleted 1 exchange " in run("prune", "--db", database, "--keep", "1").out
    assert [row["id"] for row in json.loads(run("ls", "--db", database, "--json").out)] == [2]


def test_rules_and_rule_explain(run):
    listed = json.loads(run("rules", "--json").out)
    assert {one["rule"] for one in listed} == set(by_name())
    page = run("rule", "done-missing").out
    for said in ("done-missing", "What OpenAI does", "Why it matters", "Repair", "Source"):
        assert said in page
    ran = run("rule", "done-misssing")
    assert ran.code == 2
    assert "done-missing" in ran.err


@pytest.mark.parametrize("content", [b"", b"rubbish" * 100, b"SQLite format 3\x00" + b"\x00" * 50])
def test_a_file_that_is_no_capture_is_refused_in_one_line(run, tmp_path, content):
    (tmp_path / "x.db").write_bytes(content)
    for words in (["ls", "--db", "x.db"], ["check", "x.db"], ["show", "1", "--db", "x.db"]):
        ran = run(*words)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert (tmp_path / "x.db").read_bytes() == content
