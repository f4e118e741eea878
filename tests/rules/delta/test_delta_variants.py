"""Deltas that are broken in ways a fixture pair does not show, and texts that only look so."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.streams import chat_text, chat_tool, chat_tools, chunk, exchange, request_for, sse

OPENING = {"role": "assistant", "content": "", "refusal": None}
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def findings(payloads):
    return {finding.rule: finding.severity for finding in analyze(exchange(sse(payloads))).findings}


def deltas(*given):
    return [*(chunk(delta) for delta in given), chunk({}, "stop")]


def without_role(payloads):
    payloads = copy.deepcopy(payloads)
    payloads[0]["choices"][0]["delta"].pop("role")
    return payloads


def chunks_of_two(first, second):
    """An answer of two choices, in two chunks each of which holds a piece of both."""
    pieces = [chunk({"content": first}), chunk({"content": first})]
    for one in pieces:
        one["choices"] += chunk({"content": second}, index=1)["choices"]
    return [chunk(OPENING), *pieces, chunk({}, "stop"), chunk({}, "stop", index=1)]


NESTED = json.dumps(chunk(OPENING))
WORDS = [
    "Spring",
    "is",
    "here",
    ",",
    "and",
    "the",
    "meadows",
    "are",
    "green",
    "again",
    ".",
    "Birds",
    "return",
    "from",
    "the",
    "south",
    ".",
]


@pytest.mark.parametrize(
    ("payloads", "rule", "severity"),
    [
        (without_role(chat_tool()), "role-missing", ERROR),
        (chat_text()[1:], "role-missing", ERROR),
        (deltas({"content": "Spr"}, {"role": "assistant", "content": "ing"}), "role-missing", INFO),
        (deltas({"role": None, "content": "Spring"}), "role-missing", ERROR),
        (deltas(OPENING, {"role": None, "content": "Spring"}), "role-empty-or-null", INFO),
        (deltas({"role": 1, "content": "Spring"}), "role-wrong", ERROR),
        (deltas({**OPENING, "content": None}, {"content": "Spring"}), "content-null-placeholder", INFO),
        (deltas(OPENING, {"content": {"text": "Spring"}}), "content-wrong-type", ERROR),
        (deltas(OPENING, {"content": False}), "content-wrong-type", ERROR),
        (deltas(OPENING, {"reasoning": "It is March."}, {"content": "Yes"}), "reasoning-field-variants", INFO),
        (deltas(OPENING, {"reasoning_details": [{"text": "x"}]}), "reasoning-field-variants", INFO),
        (deltas(OPENING, {"reasoning": "x", "reasoning_content": "x"}), "reasoning-field-variants", WARNING),
        (
            deltas(OPENING, {"reasoning": "x", "reasoning_details": [{"text": "x"}]}),
            "reasoning-field-variants",
            INFO,
        ),
        (deltas(OPENING, {"reasoning": "x", "thinking": "x"}), "reasoning-field-variants", INFO),
        (chat_text("<th", "ink>It", " is March.</think>", "Yes"), "reasoning-field-variants", WARNING),
        (deltas(OPENING, {"content": "Yes"}, {"reasoning": "or"}, {"content": "no"}), "reasoning-after-content", INFO),
        (deltas({**OPENING, "tool_calls": None}, {"content": "Spring"}), "empty-tool-calls-array", INFO),
        (deltas(OPENING, {"content": "[DONE]"}), "content-holds-done-marker", ERROR),
        (
            [chunk(OPENING), chunk({"content": "2"}), chunk({"content": "[DONE]"}, "stop")],
            "content-holds-done-marker",
            ERROR,
        ),
        (chat_text("2", "[DONE]")[:-1], "content-holds-done-marker", ERROR),
        (chat_text("2", "[DONE]", "\n"), "content-holds-done-marker", ERROR),
        (deltas(OPENING, {"content": NESTED}), "content-is-nested-chunk", ERROR),
        (deltas(OPENING, {"content": f"event: message\ndata: {NESTED}"}), "content-is-nested-chunk", ERROR),
        (chunks_of_two(NESTED, NESTED), "content-is-nested-chunk", ERROR),
        (chat_text("Hello", "Hello wor", "Hello world"), "cumulative-content", ERROR),
        (chat_text(*WORDS), "content-lost-whitespace", ERROR),
        (chat_text("Hello", "there", "my", "friend", "!"), "content-lost-whitespace", ERROR),
        (chat_text("First.", "\\n", "Second."), "content-literal-escapes", ERROR),
        (deltas(OPENING, {"reasoning": "Hm", "reasoning_content": "Hm"}), "reasoning-field-variants", WARNING),
        (deltas(OPENING, {"reasoning": "Hm", "reasoning_content": "So"}), "reasoning-field-variants", INFO),
        (deltas(OPENING, {"reasoning": "Hm \ufffd"}, {"reasoning": "\ufffd"}), "replacement-char-in-content", ERROR),
        (chat_tool('{"city":"Troms\ufffd', '\ufffd"}'), "replacement-char-in-content", ERROR),
        (chat_text("Gr\ufffd\ufffdn is", " a colour"), "replacement-char-in-content", WARNING),
    ],
)
def test_variant(payloads, rule, severity):
    assert findings(payloads)[rule] is severity


@pytest.mark.parametrize(
    ("payloads", "rule"),
    [
        (chat_tools(), "role-missing"),
        ([], "role-missing"),
        (chat_tools(), "content-null-placeholder"),
        (deltas({"role": "assistant", "content": None, "refusal": ""}, {"refusal": "No."}), "content-null-placeholder"),
        (deltas(OPENING, {"content": None, "reasoning": "x"}, {"content": "Yes"}), "content-null-placeholder"),
        (deltas({**OPENING, "content": None}, {"reasoning": "x"}, {"content": "Yes"}), "content-null-placeholder"),
        (deltas(OPENING, {"content": "Yes", "reasoning": None}), "reasoning-field-variants"),
        (deltas(OPENING, {"content": "Yes", "reasoning_content": ""}), "reasoning-field-variants"),
        (chat_text("In code:", " <think>", " is a tag"), "reasoning-field-variants"),
        (chat_text("Streams end with ", "[DONE]", "."), "content-holds-done-marker"),
        (chat_text("[", "DONE", "]"), "content-holds-done-marker"),
        (chat_text("[DONE]", " ends it, as in data: [DONE]"), "content-holds-done-marker"),
        (chat_text("{", '"object":', '"chat.completion.chunk"', "}"), "content-is-nested-chunk"),
        (chat_text("ha", "haha", "hahaha"), "cumulative-content"),
        (chat_text("1", "12", "12 or 13?", "12"), "cumulative-content"),
        (chat_text(*(f"{word}_" for word in WORDS)), "content-lost-whitespace"),
        (chat_text("https://", *(f"{word}/" for word in WORDS)), "content-lost-whitespace"),
        (chat_text("Donau", "dampf", "schiff", "fahrt", "kapit", "\u00e4n"), "content-lost-whitespace"),
        (chat_text("Write '\\n'", " for a line end."), "content-literal-escapes"),
        (chat_text("The gradient is $", "\\nabla f$."), "content-literal-escapes"),
        (chat_text("See C:\\new", " folder."), "content-literal-escapes"),
        (chat_text("First.", "\n", "C:\\New"), "content-literal-escapes"),
    ],
)
def test_lookalike_is_left_alone(payloads, rule):
    assert rule not in findings(payloads)


@pytest.mark.parametrize("written", ["Gr\ufffd\ufffdn", "Gr\\ufffdn"])
def test_what_the_prompt_holds_may_be_repeated(written):
    body = sse(chat_text("It says Gr\ufffd\ufffdn"))
    repeats = request_for(messages=[{"role": "user", "content": f"Read: {written}"}])
    for request in (repeats, None):
        assert analyze(replace(exchange(body), request=request)).findings == ()


@pytest.mark.parametrize("text", ["Gr\ufffdn", "\ufffd\ufffd is it", "a \ufffd\ufffd b"])
def test_a_model_may_write_the_character(text):
    assert "replacement-char-in-content" not in findings(chat_text(text))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["<think>", "Hm.", "</think>", "Hi"], "reasoning in <think>"),
        (["<think>", "Hm"], "reasoning in <think>, which never ends"),
        (["<think>", "\n\n", "</think>", "Hi"], "<think>, which holds nothing"),
        (
            ["<think>\n", '<tool_call>\n{"name": "get_weather", "arguments": {}}\n</tool_call>'],
            "<think>, which holds a tool call and never ends",
        ),
    ],
)
def test_what_a_tag_of_reasoning_holds_is_said(texts, said):
    report = analyze(exchange(sse(chat_text(*texts)), request=request_for(tools=True)))
    (hit,) = (one for one in report.findings if one.rule == "reasoning-field-variants")
    assert hit.message == f"the text of choice 0 begins with {said}"
