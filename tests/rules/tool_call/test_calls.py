"""Sibling forms of each deviation in tool calls, and the legal streams that resemble them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.apis.registry import all_rules, family_of
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests.streams import TOOL, chat_text, chat_tool, chat_tools, chunk, dump, exchange, request_for, sse

MINE = [rule for rule in all_rules() if family_of(rule) in ("tool_call", "lifecycle")]
ARGS = '{"city":"Oslo"}'


def judged(payloads: list[Any], ending: Ending = Ending.COMPLETE, **asked: Any) -> dict[str, Severity]:
    """The worst severity of each rule that speaks."""
    request = request_for(**{"tools": True, **asked})
    worst: dict[str, Severity] = {}
    for one in analyze(
        exchange(sse(payloads, done=ending is Ending.COMPLETE), request=request, ending=ending), rules=MINE
    ).findings:
        worst[one.rule] = min(one.severity, worst.get(one.rule, one.severity), key=lambda severity: severity.rank)
    return worst


def fragments(*listed: Any, finish: str = "tool_calls") -> list[Any]:
    """A stream whose chunks hold these lists of tool call fragments."""
    chunks = [chunk({"tool_calls": one if isinstance(one, list) else [one]}) for one in listed]
    return [chunk({"role": "assistant", "content": None}), *chunks, chunk({}, finish)]


def without(fragment: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in fragment.items() if key not in keys}


def opening(index: Any = 0, call_id: Any = "call_A", name: Any = "get_weather", arguments: Any = "") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def more(arguments: str = ARGS, index: Any = 0, **extra: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}, **extra}


ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
CASES: dict[str, tuple[list[Any], dict[str, Severity]]] = {
    "perfect": (fragments(opening(), more()), {}),
    "whole call in one chunk": (fragments(opening(arguments=ARGS)), {}),
    "parallel, one by one": (chat_tools(), {}),
    "no index, complete": (fragments(without(opening(arguments=ARGS), "index")), {"tool-call-index-missing": ERROR}),
    "no index, parallel": (
        fragments(
            without(opening(arguments=ARGS), "index"), without(opening(call_id="call_B", arguments=ARGS), "index")
        ),
        {"tool-call-index-missing": ERROR},
    ),
    "index null": (fragments(opening(index=None, arguments=ARGS)), {"tool-call-index-missing": ERROR}),
    "index as text": (fragments(opening(index="0"), more(index="0")), {"tool-call-index-negative": ERROR}),
    "index as float": (fragments(opening(index=0.0, arguments=ARGS)), {"tool-call-index-negative": ERROR}),
    "index below zero": (fragments(opening(index=-1), more(index=-1)), {"tool-call-index-negative": ERROR}),
    "indexes 0 and 2": (
        fragments(opening(arguments=ARGS), opening(2, "call_B", arguments=ARGS)),
        {"tool-call-index-offset": ERROR},
    ),
    "index 1 before 0": (
        fragments(opening(1, "call_B", arguments=ARGS), opening(arguments=ARGS)),
        {"tool-call-index-offset": ERROR},
    ),
    "index counts fragments": (
        fragments(opening(arguments='{"ci'), more('ty":', 1), more('"Os', 2), more('lo"}', 3)),
        {"tool-call-index-offset": ERROR},
    ),
    "index counts fragments, arguments after the first": (
        fragments(opening(), more('{"city"', 1), more(':"Oslo"}', 2), more("", 3)),
        {"tool-call-index-offset": ERROR},
    ),
    "no index, then index 0": (
        fragments(without(opening(), "index"), more()),
        {"tool-call-index-missing": ERROR},
    ),
    "all at index 0, whole": (
        fragments(opening(arguments=ARGS), opening(0, "call_B", arguments=ARGS), opening(0, "call_C", arguments=ARGS)),
        {"tool-call-index-collision": ERROR},
    ),
    "all at index 0, in pieces": (
        fragments(opening(), more(), opening(0, "call_B"), more()),
        {"tool-call-index-collision": ERROR},
    ),
    "new id each, name null later": (
        fragments(
            opening(),
            *(
                {"index": 0, "id": f"call_{at}", "function": {"name": None, "arguments": piece}}
                for at, piece in enumerate(('{"city":', '"Oslo"}'))
            ),
        ),
        {"tool-call-id-unstable": ERROR, "tool-call-name-empty-continuation": WARNING},
    ),
    "new id and the name each": (
        fragments(opening(), opening(0, "call_1", arguments='{"city":'), opening(0, "call_2", arguments='"Oslo"}')),
        {"tool-call-id-unstable": ERROR, "tool-call-name-repeated": ERROR, "tool-call-type-missing": INFO},
    ),
    "id empty": (fragments(opening(call_id="", arguments=ARGS)), {"tool-call-id-missing": ERROR}),
    "id null": (fragments(opening(call_id=None), more()), {"tool-call-id-missing": ERROR}),
    "id a number": (fragments(opening(call_id=7), more()), {"tool-call-id-missing": ERROR}),
    "id late": (
        fragments(without(opening(), "id"), more(id="call_A")),
        {"tool-call-id-missing": WARNING},
    ),
    "id empty later": (fragments(opening(), more(id="")), {"tool-call-id-empty-continuation": WARNING}),
    "id null later": (fragments(opening(), more(id=None)), {"tool-call-id-empty-continuation": INFO}),
    "name null later, type null": (
        fragments(opening(), {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": ARGS}}),
        {
            "tool-call-id-empty-continuation": INFO,
            "tool-call-name-empty-continuation": ERROR,
            "tool-call-type-missing": ERROR,
        },
    ),
    "name null later, id empty": (
        fragments(opening(), {"index": 0, "id": "", "function": {"name": None, "arguments": ARGS}}),
        {"tool-call-id-empty-continuation": WARNING, "tool-call-name-empty-continuation": WARNING},
    ),
    "name a number": (fragments(opening(name=7, arguments=ARGS)), {"tool-call-name-missing": ERROR}),
    "name late": (
        fragments(
            {"index": 0, "id": "call_A", "type": "function", "function": {"arguments": ""}},
            {"index": 0, "function": {"name": "get_weather", "arguments": ARGS}},
        ),
        {"tool-call-args-before-name": ERROR},
    ),
    "header without function": (
        fragments(without(opening(), "function"), {"index": 0, "function": {"name": "get_weather", "arguments": ARGS}}),
        {"tool-call-function-missing": ERROR},
    ),
    "function null later": (
        fragments(opening(), more(), {"index": 0, "function": None}),
        {"tool-call-function-missing": ERROR},
    ),
    "type empty": (fragments(opening(arguments=ARGS) | {"type": ""}), {"tool-call-type-missing": ERROR}),
    "type empty later": (fragments(opening(), more(type="")), {"tool-call-type-missing": ERROR}),
    "type null later": (fragments(opening(), more(type=None)), {"tool-call-type-missing": ERROR}),
    "type repeated": (fragments(opening(), more(type="function")), {"tool-call-type-missing": INFO}),
    "ghost after a call": (
        fragments(opening(arguments=ARGS), {"index": 1, "id": "", "function": {"name": None, "arguments": None}}),
        {"tool-call-ghost-sentinel": ERROR},
    ),
    "arguments an object later": (
        fragments(opening(), {"index": 0, "function": {"arguments": {"city": "Oslo"}}}),
        {"tool-call-arguments-object": ERROR},
    ),
    "arguments absent": (
        fragments({"index": 0, "id": "call_A", "type": "function", "function": {"name": "get_weather"}}, more()),
        {"tool-call-arguments-null": WARNING},
    ),
    "arguments stay empty": (fragments(opening()), {"tool-call-arguments-null": ERROR}),
    "no arguments": (fragments(opening(arguments="{}")), {}),
    "arguments null as text": (fragments(opening(arguments="null")), {"tool-call-arguments-not-json": ERROR}),
    "arguments a list": (fragments(opening(arguments="[]")), {"tool-call-arguments-not-json": WARNING}),
    "arguments in Python": (fragments(opening(arguments="{'a': 1}")), {"tool-call-arguments-not-json": ERROR}),
    "arguments with doubled keys": (fragments(opening(arguments='{"a":1,"a":2}')), {}),
    "arguments cumulative": (
        fragments(opening(), more('{"city'), more('{"city":"Os'), more(ARGS)),
        {"tool-call-arguments-duplicated": ERROR},
    ),
    "arguments three times": (fragments(opening(arguments=ARGS * 3)), {"tool-call-arguments-duplicated": ERROR}),
    "arguments whole, then again": (
        fragments(opening(), more('{"city":'), more('"Oslo"}'), more(ARGS)),
        {"tool-call-arguments-duplicated": ERROR},
    ),
    "the end of the arguments again": (
        fragments(opening(), more('{"city":'), more('"Oslo"}'), more('"}')),
        {"tool-call-arguments-duplicated": ERROR},
    ),
    "a brace too many in one piece": (
        fragments(opening(), more('{"city":'), more('"Oslo"}}')),
        {"tool-call-arguments-not-json": ERROR},
    ),
    "a string argument of JSON": (fragments(opening(arguments='{"city":"{\\"a\\":1}"}')), {}),
    "cut by length": (
        fragments(opening(), more('{"city":"Os'), finish="length"),
        {"tool-call-arguments-truncated": INFO},
    ),
    "cut without a finish": (
        fragments(opening(), more('{"city":"Os'))[:-1],
        {"tool-call-arguments-truncated": WARNING, "finish-reason-missing": ERROR},
    ),
    "finish stop": (fragments(opening(arguments=ARGS), finish="stop"), {"tool-call-finish-stop": WARNING}),
    "finish function_call": (
        fragments(opening(arguments=ARGS), finish="function_call"),
        {"tool-call-legacy-function-call": WARNING},
    ),
    "finish with the last arguments": (
        [*fragments(opening())[:-1], chunk({"tool_calls": [more()]}, "tool_calls")],
        {"finish-reason-on-content-chunk": INFO},
    ),
    "finish on every call": (
        [
            chunk({"role": "assistant", "content": None, "tool_calls": [opening(arguments=ARGS)]}, "tool_calls"),
            chunk({"tool_calls": [opening(1, "call_B", arguments=ARGS)]}, "tool_calls"),
        ],
        {"tool-call-finish-per-call": ERROR, "finish-reason-on-content-chunk": INFO},
    ),
    "two calls in one chunk": (
        fragments([opening(arguments=ARGS), opening(1, "call_B", arguments=ARGS)]),
        {"tool-call-parallel-lost": INFO},
    ),
    "two calls alternate": (
        fragments(opening(), opening(1, "call_B"), more(), more(index=1)),
        {"tool-call-parallel-lost": ERROR},
    ),
    "two calls alternate within chunks": (
        fragments(
            [opening(arguments='{"city":'), opening(1, "call_B", arguments='{"city":')],
            [more('"Oslo"}'), more('"Rome"}', 1)],
        ),
        {"tool-call-parallel-lost": ERROR},
    ),
    "no finish": (fragments(opening(arguments=ARGS))[:-1], {"finish-reason-missing": ERROR}),
    "not offered": (fragments(opening(name="get_news", arguments=ARGS)), {"tool-call-name-not-in-tools": WARNING}),
    "offered in another case": (
        fragments(opening(name="Get_Weather", arguments=ARGS)),
        {"tool-call-name-not-in-tools": INFO},
    ),
    "leaked, function markup": (
        chat_text("I look.\n<function=get_weather>", "<parameter=city>Oslo</parameter></function>"),
        {"tool-call-leaked-as-text": ERROR},
    ),
    "leaked, and the finish says so": (
        chat_text('[TOOL_CALLS] [{"name": "get_weather"}]', finish="tool_calls"),
        {"tool-call-leaked-as-text": ERROR},
    ),
    "markup explained": (chat_text("Write <tool_call> before the JSON, and </tool_call> after."), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    payloads, expected = CASES[case]
    assert judged(payloads) == expected


#: Here a repair names how the call was put off as well, and that, where it got its name in the end, is no fault.
_PUT_OFF = frozenset({"name a number", "header without function", "ghost after a call", "finish on every call"})


@pytest.mark.parametrize("case", sorted(CASES.keys() - _PUT_OFF))
def test_what_a_repair_changes_it_names_as_the_check_does(case):
    stream = exchange(sse(CASES[case][0]))
    assert set(normalize(stream).changes) <= {found.rule for found in analyze(stream).findings}


def test_a_name_in_pieces_needs_the_request():
    pieces = fragments(opening(name="get_"), {"index": 0, "function": {"name": "weather", "arguments": ARGS}})
    assert judged(pieces) == {"tool-call-name-split": ERROR}
    bare = analyze(replace(exchange(sse(pieces)), request=None), rules=MINE)
    assert [one.rule for one in bare.findings] == []


@pytest.mark.parametrize(
    ("asked", "speaks"),
    [
        ({}, True),
        ({"tool_choice": "required"}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}, False),
    ],
)
def test_stop_is_right_with_a_named_tool_choice(asked, speaks):
    payloads = [*chat_tool()[:-1], chunk({}, "stop")]
    assert ("tool-call-finish-stop" in judged(payloads, **asked)) is speaks


def test_tool_calls_is_as_right_with_a_named_tool_choice():
    """OpenAI says it in 2 of 111 such streams, Azure in 7 of 22."""
    named = {"type": "function", "function": {"name": "get_weather"}}
    report = analyze(exchange(sse(chat_tool()), request=request_for(tools=True, tool_choice=named)))
    assert [one.rule for one in report.findings if "finish" in one.rule] == []


@pytest.mark.parametrize(
    ("tools", "speaks"),
    [([TOOL], True), ([TOOL, {"type": "web_search"}], False), ([], True)],
)
def test_a_vendor_s_own_tools_may_have_any_name(tools, speaks):
    request = request_for()
    asked = replace(request, body=dump({**json.loads(request.body), "tools": tools}))
    report = analyze(exchange(sse(chat_tool(name="web_search_call")), request=asked), rules=MINE)
    assert ("tool-call-name-not-in-tools" in [one.rule for one in report.findings]) is speaks


def test_a_cut_stream_is_not_blamed_for_what_may_have_been_still_to_come():
    payloads = fragments({"index": 0, "type": "function", "function": {"arguments": '{"ci'}})[:-1]
    assert judged(payloads, Ending.UPSTREAM_CUT) == {}


def test_calls_of_different_choices_do_not_meet():
    def of(choice: int, fragment: dict[str, Any]) -> Any:
        return chunk({"tool_calls": [fragment]}, index=choice)

    payloads = [
        chunk({"role": "assistant", "content": None}),
        chunk({"role": "assistant", "content": None}, index=1),
        of(0, opening()),
        of(1, opening(call_id="call_B")),
        of(0, more()),
        of(1, more()),
        chunk({}, "tool_calls"),
        chunk({}, "tool_calls", index=1),
    ]
    assert judged(payloads, n=2) == {}


def test_old_functions_are_answered_in_the_old_form():
    payloads = [
        chunk({"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": ARGS}}),
        chunk({}, "function_call"),
    ]
    assert judged(payloads, tools=False, functions=[TOOL["function"]]) == {}
    assert judged(payloads) == {"tool-call-legacy-function-call": ERROR}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "null", "0", "call_A"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["index", "id", "type", "function", "name", "arguments", "content", "delta"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5), st.lists(JSON, max_size=2))
def test_nothing_that_is_json_breaks_a_rule(listed, choices):
    payloads = [*fragments(*listed), *({**chunk(), "choices": [one]} for one in choices), chunk({"tool_calls": listed})]
    judged(payloads)
    judged(payloads, Ending.UPSTREAM_CUT, tools=False)


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ({"index": 0, "function": {"arguments": "}"}}, "a tool call goes on"),
        (
            {"index": 1, "id": "call_2", "type": "function", "function": {"name": "find", "arguments": "{}"}},
            "another tool call comes",
        ),
    ],
)
def test_a_finish_before_the_last_call_says_what_follows_it(fragment, said):
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{"}}
    calls = [{"tool_calls": [one]} for one in (first, fragment)]
    body = sse([chunk({"role": "assistant", "content": None}), *(chunk(one, "tool_calls") for one in calls)])
    [found] = [
        one
        for one in analyze(exchange(body, request=request_for(tools=True))).findings
        if one.rule == "tool-call-finish-per-call"
    ]
    assert found.message == f"{said} after finish_reason 'tool_calls'"


@pytest.mark.parametrize("name", CASES)
def test_a_connection_that_breaks_behind_the_end_hides_nothing(name):
    """``[DONE]`` came, and no client reads on."""
    payloads, expected = CASES[name]
    whole = exchange(sse(payloads), request=request_for(tools=True))
    broken = replace(whole, ending=Ending.UPSTREAM_CUT)
    found, left = ({one.rule for one in analyze(one, rules=MINE).findings} for one in (whole, broken))
    assert left == found
    assert left >= {*expected}
