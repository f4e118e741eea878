"""The tool that asks real clients: its streams show what they claim, and its verdict is what the client did."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from streamlab.apis.registry import by_name
from streamlab.judging.analyzer import analyze

TOOL = Path(__file__).parents[2] / "tools" / "clients"
sys.path.insert(0, str(TOOL))
from outcomes import difference, outcome  # noqa: E402
from run import Part, measure, selected  # noqa: E402
from streams import all_streams, cases  # noqa: E402

sys.path.remove(str(TOOL))

STREAMS = {stream.name: stream for stream in all_streams()}
SHOWN = [
    pytest.param(rule, case, name, id=f"{rule}-{name}")
    for rule, listed in cases().items()
    for case in listed
    for name in case["streams"]
]
#: What was measured is known by another rule today, or in another form.
ELSEWHERE = {
    ("tool-call-index-collision", "tools.index-increments"): "tool-call-index-offset",
    ("tool-call-finish-per-call", "tool-finish-each"): "tool-call-finish-per-call",
    ("usage-missing-when-requested", "usage.x-groq"): "usage-in-choice",
}


@pytest.mark.parametrize(("rule", "case", "name"), SHOWN)
def test_a_stream_shows_its_rule_in_its_form(rule, case, name):
    findings = analyze(STREAMS[name].exchange).findings
    if (rule, name) in ELSEWHERE:
        assert ELSEWHERE[rule, name] in {one.rule for one in findings}
        return
    found = [one for one in findings if one.rule == rule]
    assert found
    if case.get("form") and by_name()[rule].variants:
        assert case["form"] in {variant for one in found for variant in one.variants}


@pytest.mark.parametrize(
    "stream", {one.perfect.body: one for one in STREAMS.values()}.values(), ids=lambda one: one.name
)
def test_a_perfect_stream_has_nothing_to_tell(stream):
    assert [one.rule for one in analyze(stream.perfect).findings if str(one.severity) == "error"] == []


PERFECT = {
    "ok": True,
    "text": "Spring",
    "reasoning": "",
    "tool_calls": [{"id": "a", "name": "f", "arguments": '{"x": 1}'}, {"id": "b", "name": "g", "arguments": ""}],
    "finish_reason": "stop",
    "usage": None,
}
_FIRST, _SECOND = PERFECT["tool_calls"]


@pytest.mark.parametrize(
    ("changed", "letters"),
    [
        ({}, ""),
        ({"text": "Spr"}, "t"),
        ({"reasoning": "hm"}, "r"),
        ({"tool_calls": [_FIRST]}, "k"),
        ({"tool_calls": [_SECOND, _FIRST]}, "o"),
        ({"tool_calls": [{**_FIRST, "arguments": '{"x":1}'}, _SECOND]}, ""),
        ({"tool_calls": [{**_FIRST, "name": "", "id": None, "arguments": "{"}, _SECOND]}, "nai"),
        ({"tool_calls": [{**_FIRST, "invalid": True}, _SECOND]}, "v"),
        ({"finish_reason": None, "usage": {"total_tokens": 1}}, "f"),
    ],
)
def test_what_differs_has_a_letter(changed, letters):
    assert difference(PERFECT | changed, PERFECT) == letters


def test_usage_counts_where_the_client_shows_it_on_the_perfect_stream():
    assert difference(PERFECT, PERFECT | {"usage": {"total_tokens": 1}}) == "u"


def test_an_outcome_in_a_word():
    failed = {"ok": False, "error_in": "driver", "error_type": "builtins.TypeError", "error": "x" * 200}
    assert outcome(PERFECT, PERFECT, broken=True) == "same"
    assert outcome(PERFECT | {"text": ""}, PERFECT, broken=True) == "wrong:t [silent]"
    assert outcome(PERFECT | {"text": ""}, PERFECT, broken=False) == "wrong:t"
    assert outcome({"ok": False, "hung": True}, PERFECT, broken=True) == "hang"
    assert outcome(failed, PERFECT, broken=False) == "error(driver): builtins.TypeError: " + "x" * 120
    assert outcome({"ok": None}, PERFECT, broken=False) is None
    assert outcome(PERFECT, failed, broken=False) is None


def test_patterns_select():
    assert selected([], ["a", "b"]) == {"a", "b"}
    assert selected(["py-*"], ["py-x", "js-x"]) == {"py-x"}


#: As the measurements have it of the same package.
OPENAI = {
    "text.index-missing": "same",
    "text.delta-missing": "error(driver): builtins.AttributeError",
    "text.error-mid": "error(library): openai.APIError",
    "text.trunc-boundary": "wrong:tf [silent]",
}


@pytest.mark.slow
def test_a_real_client_is_asked_and_its_answers_are_the_measured_ones(tmp_path):
    pytest.importorskip("openai")
    [client] = [one for one in json.loads((TOOL / "clients.json").read_text()) if one["id"] == "py-openai-raw"]
    part = Part([client], [STREAMS[name] for name in OPENAI], tmp_path / "log", sys.executable)
    found = asyncio.run(measure(part))
    said = {name: one["outcomes"].get("py-openai-raw", "same") for name, one in found["streams"].items()}
    assert {name: one[: len(OPENAI[name])] for name, one in said.items()} == OPENAI, (tmp_path / "log").read_text()
    assert found["clients"]["py-openai-raw"]["version"].startswith("openai ")
    assert found["streams"]["text.index-missing"]["summary"] == {"same": 1}
