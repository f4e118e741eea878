"""``streamlab check``: targets, formats, exit codes, configuration."""

from __future__ import annotations

import io
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import corpus, streams


def test_exit_codes_say_what_was_found(run, folder):
    assert run("check", folder / "good").code == 0
    assert run("check", folder / "bad").code == 1
    assert run("check", folder / "bad", "--fail-on", "never").code == 0
    assert run("check", folder / "bad", "--select", "done-missing", "--fail-on", "error").code == 0
    assert run("check", folder / "nothing").code == 2


def test_text_names_the_rule_the_place_and_what_openai_sends(run, folder):
    out = run("check", folder / "bad").out
    assert "done-missing" in out
    assert "chunk-id-changes" in out
    assert "event 1" in out
    assert "OpenAI:" in out


def test_json_is_what_the_contract_says(run, folder):
    ran = run("check", folder, "--format", "json")
    document = json.loads(ran.out)
    assert document["format"] == "streamlab.check/1"
    bad, good = document["exchanges"]
    assert (bad["source"], bad["id"], bad["api"]) == (str(folder / "bad"), None, "chat.completions")
    assert good["findings"] == []
    assert good["completion"] == {
        "role": "assistant",
        "content": "Spring is here.",
        "tool_calls": [],
        "finish_reason": "stop",
        "usage": None,
    }
    finding = next(one for one in bad["findings"] if one["rule"] == "chunk-id-changes")
    assert {
        "severity",
        "message",
        "event",
        "span",
        "offset_us",
        "path",
        "expected",
        "actual",
        "repair",
        "breaks",
    } <= set(finding)
    body = (folder / "bad" / "body.sse").read_bytes()
    assert body[slice(*finding["span"])].startswith(b'"id"')
    assert document["summary"] == {
        level: sum(one["severity"] == level for exchange in document["exchanges"] for one in exchange["findings"])
        for level in ("error", "warning", "info")
    }
    assert good["metrics"]["events"] == 7
    assert good["metrics"]["ttft_us"] == 230_000


def test_a_database_can_be_checked_whole_or_in_part(run, database):
    whole = json.loads(run("check", database, "--json").out)
    assert [one["id"] for one in whole["exchanges"]] == [1, 2]
    assert [one["id"] for one in json.loads(run("check", f"{database}#2", "--json").out)["exchanges"]] == [2]
    assert json.loads(run("check", "last", "--db", database, "--json").out)["exchanges"][0]["source"] == "last"
    assert run("check", "1", "--db", database).code == 0
    assert run("check", "99", "--db", database).code == 2


def test_standard_input_is_a_bare_body(run, monkeypatch):
    body = streams.sse(streams.chat_text(), done=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    document = json.loads(run("check", "-", "--json").out)
    (exchange,) = document["exchanges"]
    assert exchange["source"] == "-"
    assert [one["rule"] for one in exchange["findings"]] == ["done-missing"]
    assert exchange["metrics"]["ttft_us"] is None


def test_the_request_can_be_told(run, tmp_path):
    (tmp_path / "s.sse").write_bytes(streams.sse(streams.chat_usage()))
    (tmp_path / "request.json").write_text('{"stream": true, "model": "m"}')
    rules = [
        [one["rule"] for one in json.loads(run("check", "s.sse", "--json", *told).out)["exchanges"][0]["findings"]]
        for told in ([], ["--request", "request.json"])
    ]
    assert "usage-unrequested" not in rules[0]
    assert "usage-unrequested" in rules[1]


def test_sarif_has_rules_results_and_regions(run, folder):
    log = json.loads(run("check", folder, "--format", "sarif").out)
    (one_run,) = log["runs"]
    rules = one_run["tool"]["driver"]["rules"]
    for result in one_run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert "\\" not in result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert {"done-missing", "chunk-id-changes"} <= {result["ruleId"] for result in one_run["results"]}


def test_junit_fails_the_bad_case_only(run, folder):
    root = ET.fromstring(run("check", folder, "--format", "junit").out)
    cases = {Path(case.get("name")).name: case for case in root.iter("testcase")}
    assert cases["good"].find("failure") is None
    assert cases["bad"].find("failure") is not None


def test_github_annotates_the_body(run, folder):
    lines = run("check", folder, "--format", "github").out.splitlines()
    assert any(line.startswith("::warning file=") and "done-missing" in line for line in lines)


def test_select_ignore_and_configuration(run, folder, tmp_path):
    def rules(*words):
        document = json.loads(run("check", folder / "bad", "--json", *words).out)
        return {one["rule"] for one in document["exchanges"][0]["findings"]}

    assert rules("--select", "done-*") == {"done-missing"}
    assert "done-missing" not in rules("--ignore", "done-missing")
    (tmp_path / "pyproject.toml").write_text('[tool.streamlab]\nselect = ["chunk-*"]\nfail-on = "never"\n')
    assert {name.partition("-")[0] for name in rules()} == {"chunk"}
    assert run("check", folder / "bad").code == 0
    (tmp_path / "pyproject.toml").write_text('[tool.streamlab]\nselct = ["chunk-*"]\n')
    ran = run("check", folder / "bad")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_client_shows_only_what_hurts_it(run, folder):
    everything = json.loads(run("check", folder / "bad", "--json").out)["exchanges"][0]["findings"]
    hurting = json.loads(run("check", folder / "bad", "--json", "--client", "strands").out)["exchanges"][0]["findings"]
    assert len(hurting) < len(everything)
    assert run("check", folder / "bad", "--client", "nobody").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check"], "Missing argument"),
        (["check", "x", "--select", "done-mising"], "done-missing"),
        (["check", "nowhere.db"], "no"),
        (["chekc"], "check"),
        (["check", ".", "--api", "telepathy"], "telepathy"),
    ],
)
def test_wrong_usage_is_one_hint_and_exit_code_2(run, folder, words, said):
    ran = run(*[word.replace("x", str(folder)) if word == "x" else word for word in words])
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_an_unreadable_exchange_is_told_and_the_others_are_checked(run, folder):
    (folder / "bad" / "exchange.json").write_text("{")
    ran = run("check", folder, "--json")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert [Path(one["source"]).name for one in json.loads(ran.out)["exchanges"]] == ["good"]


def test_hostile_bytes_do_not_reach_the_terminal(run, tmp_path):
    (tmp_path / "evil\x1b[31m.sse").write_bytes(b"data: \x1b]0;title\x07\x1b[2J[bold]x[/bold]\n\n")
    ran = run("check", "evil\x1b[31m.sse")
    assert "\x1b" not in ran.out + ran.err
    assert "[bold]" in ran.out


def test_many_targets_give_the_same_answer_on_all_cores(run, monkeypatch):
    scenarios = corpus.CORPUS / "scenarios"
    together = json.loads(run("check", scenarios, "--json").out)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = json.loads(run("check", scenarios, "--json").out)
    assert together == alone
    assert len(together["exchanges"]) == len(corpus.directories("scenarios"))


def test_a_target_that_is_not_there_is_told_and_the_others_are_checked(run, folder):
    ran = run("check", folder / "good", folder / "gone", folder / "bad", "--format", "json")
    assert ran.code == 2
    assert "gone: no such file" in ran.err
    assert [one["source"] for one in json.loads(ran.out)["exchanges"]] == [str(folder / "good"), str(folder / "bad")]
    alone = run("check", folder / "gone")
    assert (alone.code, alone.out, alone.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("form", ["json", "sarif", "junit"])
@pytest.mark.parametrize("others", [True, False])
def test_a_database_that_cannot_be_read_leaves_a_whole_document_of_the_others(run, folder, tmp_path, form, others):
    (tmp_path / "broken.db").write_bytes(b"no database at all")
    targets = [folder / "good", "broken.db", folder / "bad"] if others else ["broken.db"]
    ran = run("check", *targets, "--format", form)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "broken.db: not a SQLite database" in ran.err
    if form == "junit":
        assert len(ET.fromstring(ran.out).findall(".//testcase")) == 2 * others
    else:
        document = json.loads(ran.out)
        found = document["exchanges"] if form == "json" else document["runs"][0]["results"]
        assert bool(found) == others
