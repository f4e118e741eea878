"""Every measured deviation of the Messages API is named, and what is lawful is not blamed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.apis.registry import all_rules
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.batches import batched
from tests.messages import (
    CASES,
    LAWFUL,
    PING,
    STOP,
    ended,
    exchange,
    opened,
    request_for,
    said,
    sse,
    start,
    text,
    thinking,
    tool,
)

#: What else has to be said of a stream besides its own rule.
_BESIDES = {
    "pings-after-stop-reason": {"connection-held-open-after-done"},
    "error-masked-as-end-turn": {"messages-usage-output-wrong"},
    "usage-output-zero": {"messages-truncation-masked"},
    "message-members-missing": {"messages-usage-missing"},
    "openai-chunks": {"messages-done-marker"},
    "done-marker-no-stop": {"messages-stop-missing"},
    "error-then-completed": {"messages-error-in-stream"},
    "message-model-missing": set(),
}


def _rules(made):
    return {one.rule for one in analyze(made).findings}


@batched("name", CASES)
def test_a_deviation_is_named_and_nothing_that_follows_from_it(name):
    case = CASES[name]
    assert _rules(case.exchange) == {case.rule} | _BESIDES.get(name, set())


@batched("name", LAWFUL)
def test_what_is_lawful_is_not_blamed(name):
    assert [one.message for one in analyze(LAWFUL[name]).findings if one.severity is not Severity.INFO] == []


def test_every_rule_has_a_case():
    own = {rule.name for rule in all_rules() if rule.name.startswith("messages-")}
    assert own == {case.rule for case in CASES.values()}


def _severity(made, rule):
    [severity] = {one.severity for one in analyze(made).findings if one.rule == rule}
    return severity


def test_a_signature_is_missed_only_where_somebody_checks_it():
    unsigned = [event for event in thinking() if event.get("delta", {}).get("type") != "signature_delta"]
    rule = "messages-thinking-signature"
    assert _severity(exchange(sse(unsigned)), rule) is Severity.WARNING
    foreign = [start(id="msg_local_1"), *unsigned[1:]]
    assert _severity(exchange(sse(foreign)), rule) is Severity.INFO


def test_blocks_that_only_overlap_are_a_warning_and_mixed_deltas_an_error():
    rule = "messages-block-overlap"
    assert _severity(CASES["block-overlap"].exchange, rule) is Severity.WARNING
    assert _severity(CASES["block-interleaved"].exchange, rule) is Severity.ERROR


def test_a_done_marker_without_a_name_is_only_told():
    assert _severity(CASES["done-marker"].exchange, "messages-done-marker") is Severity.INFO
    assert _severity(CASES["done-marker-named"].exchange, "messages-done-marker") is Severity.ERROR


def test_a_word_that_anthropic_might_use_tomorrow_is_only_told():
    events = text()
    events[7]["delta"]["stop_reason"] = "tool_budget_exceeded"
    assert _severity(exchange(sse(events)), "messages-stop-reason-unknown") is Severity.INFO


@pytest.mark.parametrize("silent_s", [30, 200, 320])
def test_a_stall_counts_from_a_minute_and_is_an_error_where_claude_code_gives_up(silent_s):
    made = exchange(sse(text()), gaps={3: silent_s * 1_000_000})
    found = [one.severity for one in analyze(made).findings if one.rule == "stall-gap"]
    assert found == {30: [], 200: [Severity.WARNING], 320: [Severity.ERROR]}[silent_s]


def test_pings_and_comments_break_a_silence():
    for quiet in (sse([PING]), b": keep-alive\n\n"):
        pieces = [*(sse([event]) for event in text()[:4]), *[quiet] * 12, *(sse([event]) for event in text()[4:])]
        made = exchange(pieces, gaps=dict.fromkeys(range(4, 16), 15000000))
        assert "stall-gap" not in _rules(made)
        assert _severity(made, "messages-pings-only") is Severity.INFO


def test_a_connection_that_is_held_open_after_message_stop_hangs_claude_code():
    made = exchange(sse(text()), held_us=120_000_000)
    assert _severity(made, "connection-held-open-after-done") is Severity.ERROR


def test_a_cut_by_somebody_else_is_not_blamed_on_the_stream():
    made = exchange(sse(text()[:5]), ending=Ending.CLIENT_LEFT)
    assert "messages-truncated" not in _rules(made)


def test_input_that_may_be_no_json_by_request_is_not_judged():
    asked = request_for(tools=[{"name": "read_file", "eager_input_streaming": True}])
    made = exchange(sse(tool("", '{"path": "/no')), request=asked)
    assert "messages-tool-input-not-json" not in _rules(made)


def test_a_block_that_is_never_closed_is_judged_by_its_input_all_the_same():
    events = [start(), opened(0, "tool_use"), *tool("", "nothing")[6:8], ended("tool_use"), STOP]
    for event in events[2:4]:
        event["index"] = 0
    assert {"messages-tool-input-not-json", "messages-block-stop-missing"} <= _rules(exchange(sse(events)))


def test_markup_in_a_code_block_is_an_answer_about_it():
    quoted = 'Write it like this:\n```\n<invoke name="read_file">\n```\n'
    assert "messages-tool-call-as-text" not in _rules(exchange(sse(text(quoted))))


@pytest.mark.parametrize("status", [400, 429, 529])
def test_an_http_error_is_held_to_anthropics_shape(status):
    json_head = (("content-type", "application/json"),)
    own = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
    assert _rules(exchange([own], status=status, headers=json_head)) == {"http-error"}
    openai = b'{"error":{"message":"Rate limit","type":"rate_limit_exceeded","code":null}}'
    assert _rules(exchange([openai], status=status, headers=json_head)) == {"http-error-body-shape"}


def test_the_api_shows_itself_where_no_path_names_it():
    report = analyze(replace(exchange(sse(text())), request=None))
    assert (report.api.name, report.findings) == ("anthropic.messages", ())


def test_said_text_and_calls_are_in_the_completion():
    held = analyze(exchange(sse(tool()))).completion
    assert held["content"] == "I look."
    assert held["tool_calls"][0]["function"]["name"] == "read_file"
    assert (held["finish_reason"], held["usage"]["output_tokens"]) == ("tool_use", 40)
    assert [block["type"] for block in held["blocks"]] == ["text", "tool_use"]


def test_the_last_usage_holds_over_the_first_member_by_member():
    events = [start(usage={"input_tokens": 21, "cache_read_input_tokens": 900, "output_tokens": 1}), *text()[1:]]
    events[7]["usage"] = {"output_tokens": 12}
    usage = analyze(exchange(sse(events))).completion["usage"]
    assert usage == {"input_tokens": 21, "cache_read_input_tokens": 900, "output_tokens": 12}


def test_said_twice_is_told_once_with_its_places():
    events = [start(), opened(0), *said(0, "a", "b")]
    body = b"".join(b"data: " + sse([event]).partition(b"data: ")[2] for event in [*events, *text()[6:]])
    [found] = analyze(exchange(body)).findings
    assert (found.rule, found.count) == ("messages-event-line-missing", 7)
