"""Who is named, and with which words, where the measurement itself could say what is not so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from streamlab.clients.table import breaks
from streamlab.judging.analyzer import analyze
from tests.batches import batched
from tests.streams import USAGE, chat_tools, chat_usage, exchange, sse

TOOL = Path(__file__).parents[2] / "tools" / "clients"
sys.path.insert(0, str(TOOL))
from measured import Read, runs  # noqa: E402
from streams import cases  # noqa: E402

sys.path.remove(str(TOOL))
APIS = ("chat.completions", "completions", "responses", "anthropic.messages")
#: Rules of bodies that hold no answer: no reason to finish and no usage that a client could hold another one of.
WITHOUT_ANSWER = ("http-status-200-on-error", "empty-200", "html-body-200", "body-not-event-stream", "only-done")
LOGPROBS = [(case["form"], name) for case in cases()["logprobs-shape"] for name in case["streams"]]


@pytest.mark.parametrize("rule", WITHOUT_ANSWER)
def test_nothing_differs_from_what_no_answer_says(rule):
    said = {one.how for api in APIS for one in breaks(rule, (), api)}
    assert "says nothing, ends with an empty answer" in said
    assert not [how for how in said if "finish_reason" in how or "usage" in how]


def test_who_adds_the_total_up_is_named_where_reasoning_is_counted_beside_the_completion():
    payloads = chat_usage()
    payloads[-1]["usage"] = {**USAGE, "total_tokens": 21, "completion_tokens_details": {"reasoning_tokens": 5}}
    [found] = [one for one in analyze(exchange(sse(payloads))).findings if one.rule == "usage-inconsistent"]
    named = {one.client: one.how for one in breaks(found.rule, found.variants)}
    adding = (
        "py-litellm",
        "js-ai-sdk-openai",
        "js-ai-sdk-compat",
        "js-ai-sdk4-openai",
        "js-ai-sdk4-compat",
        "js-pi-ai",
    )
    assert named == dict.fromkeys(adding, "ends with other usage")
    payloads[-1]["usage"]["total_tokens"] = 99  # nobody was asked about any other total
    other = [one for one in analyze(exchange(sse(payloads))).findings if one.path == found.path]
    assert [one.variants for one in other if one.rule == found.rule] == [()]


def _name(value: Any) -> dict[str, str]:
    payloads = chat_tools()
    for payload in payloads:
        for fragment in payload["choices"][0]["delta"].get("tool_calls", ()):
            fragment["function"].setdefault("name", value)
    made = exchange(sse(payloads))
    [found] = {
        one.variants: one for one in analyze(made).findings if one.rule == "tool-call-name-empty-continuation"
    }.values()
    return {one.client: one.how for one in breaks(found.rule, found.variants)}


def test_gptel_is_reported_for_the_form_that_its_report_has():
    assert _name("")["gptel"] == "ends with broken calls (reported: lmstudio-ai/lmstudio-bug-tracker#649)"
    assert "gptel" not in _name(None)


@batched("case", LOGPROBS)
def test_who_broke_on_each_shape_of_logprobs_is_named_for_its_form(case: tuple[str, str]) -> None:
    form, stream = case
    read = Read(stream, _RUNS)
    assert {one.client for one in breaks("logprobs-shape", (form,), read.api)} == set(read.outcomes)


_RUNS = runs()
