"""Every measured deviation of the Responses API is named, and what is lawful is not blamed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamlab.apis.registry import all_rules
from streamlab.clients.table import breaks
from streamlab.exchange import Ending, Request, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests import corpus
from tests.responses import (
    CASES,
    LATER,
    LAWFUL,
    MSG,
    call,
    dump,
    event,
    exchange,
    failed,
    frame,
    message,
    numbered,
    request_for,
    sse,
    stream,
    text,
    thought,
    tool,
    whole,
    without,
)

#: What else has to be said of a stream besides its own rule.
_BESIDES = {
    "done-under-another-name-call": {"tool-call-name-not-in-tools"},
    "terminal-missing-done-instead": {"responses-done-sentinel"},
    "terminal-named-response-done": {"responses-unknown-event"},
    "terminal-cancelled": {"responses-terminal-missing"},
    "item-done-after-completed": {"responses-item-done-missing"},
    "only-deltas": {"responses-in-progress-missing"},
    "message-role-status-missing": {"responses-item-status-missing"},
    "delta-null": {"responses-delta-done-mismatch"},
    "last-event-unterminated": {"burst-delivery"},
    "idle-with-comments": {"sse-comment-keepalive"},
}
#: Other names that the labels of the corpus use.
_CALLED = {"body-not-a-stream": "body-not-event-stream"}


def _found(made):
    return analyze(made).findings


def _rules(made):
    return {one.rule for one in _found(made)}


def _severity(made, rule):
    [severity] = {one.severity for one in _found(made) if one.rule == rule}
    return severity


@pytest.mark.parametrize("name", {**CASES, **LATER})
def test_a_deviation_is_named_and_nothing_that_follows_from_it(name):
    case = {**CASES, **LATER}[name]
    assert _rules(case.exchange) == {case.rule} | _BESIDES.get(name, set())


@pytest.mark.parametrize(
    ("kind", "severity"), [("reasoning", Severity.WARNING), ("message", Severity.WARNING), ("call", Severity.ERROR)]
)
def test_the_finished_response_alone_may_have_another_id_of_what_is_no_call(kind, severity):
    assert _severity(LATER[f"completed-other-{kind}-id"].exchange, "responses-ids-unstable") is severity
    assert _severity(CASES["response-id-changes"].exchange, "responses-ids-unstable") is Severity.ERROR


def test_an_output_text_of_the_servers_own_is_held_against_the_text():
    [found] = _found(LATER["output-text-empty"].exchange)
    assert (found.severity, found.path, found.expected, found.actual) == (
        Severity.ERROR, "response.output_text", "(absent)", "",
    )  # fmt: skip
    for right in (
        stream(message(), output_text="Spring is here."),
        stream(output_text=""),
        stream(call(), output_text=""),
    ):
        assert "responses-completed-output-differs" not in _rules(exchange(right))


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_lawful_is_not_blamed(name):
    assert [one.message for one in _found(LAWFUL[name]) if one.severity is not Severity.INFO] == []


def test_every_rule_has_a_case():
    own = {rule.name for rule in all_rules() if rule.name.startswith("responses-")}
    assert own <= {case.rule for case in CASES.values()}


@pytest.mark.parametrize("directory", corpus.directories("protocols", "responses"), ids=lambda path: path.name)
def test_labels(directory):
    labels, found = corpus.labels(directory), _found(corpus.load(directory))
    assert {_CALLED.get(rule, rule) for rule in labels["must"]} <= {one.rule for one in found}
    if labels["clean"]:
        assert [one.message for one in found if one.severity is not Severity.INFO] == []


@corpus.needs_recorded
def test_recordings_of_openai_and_azure_are_not_blamed():
    loud = [
        (directory.name, one.rule, one.message)
        for vendor in ("openai", "azure-openai")
        for directory in corpus.recorded("responses", vendor)[::2]
        for one in _found(corpus.load(directory))
        if one.severity is not Severity.INFO
    ]
    assert loud == []


# -- who is blamed for what ------------------------------------------------------------------------------------------


def test_a_stream_that_is_fetched_again_goes_on_where_the_other_stopped():
    rest = text()[4:]
    assert (
        _rules(exchange(rest, request=Request("GET", "http://x/v1/responses/resp_1?stream=true&starting_after=3")))
        == set()
    )
    assert _rules(replace(exchange(rest), request=None)) == set()
    assert "responses-created-missing" in _rules(exchange(rest))


def test_nothing_is_missing_from_a_stream_that_was_cut():
    assert _rules(exchange(text()[:6], ending=Ending.CLIENT_LEFT)) == set()
    assert "responses-terminal-missing" not in _rules(exchange(text()[:6], ending=Ending.UPSTREAM_CUT))


def test_summaries_may_only_differ_where_the_answer_was_cut():
    rule = "responses-delta-done-mismatch"
    for status, told in (("incomplete", False), ("completed", True)):
        events = stream(thought("I count."), status=status)
        events[4]["delta"] = "You "
        assert (rule in _rules(exchange(events))) is told


def test_a_done_that_alone_differs_is_a_warning_and_an_item_an_error():
    rule = "responses-delta-done-mismatch"
    assert _severity(CASES["text-done-differs"].exchange, rule) is Severity.WARNING
    assert _severity(CASES["item-done-arguments-differ"].exchange, rule) is Severity.ERROR
    assert _severity(CASES["whole-text-as-last-delta"].exchange, rule) is Severity.ERROR


@pytest.mark.parametrize("also", [(), ("completed",)])
def test_a_message_that_is_done_without_its_text_is_an_error_whatever_the_finished_response_says(also):
    events = json.loads(json.dumps(text()))
    for told in events:
        if told["type"] == "response.output_item.done":
            told["item"]["content"] = []
        elif told["type"].removeprefix("response.") in also:
            told["response"]["output"][0]["content"] = []
    made = exchange(events)
    found = [one for one in analyze(made).findings if one.severity is not Severity.INFO]
    assert [(one.rule, one.path, one.severity) for one in found] == [
        ("responses-delta-done-mismatch", "item.content", Severity.ERROR)
    ]
    assert normalize(made).exchange.body == made.body  # which of the two is true is not on the wire


def test_usage_details_are_an_error_only_where_codex_cannot_read_them():
    rule = "responses-usage-details"
    graded = {name: _severity(CASES[f"usage-{name}"].exchange, rule) for name in ("details-empty", "details-null")}
    assert graded == {"details-empty": Severity.ERROR, "details-null": Severity.INFO}


def test_calls_in_turns_are_an_error_and_texts_that_overlap_only_noted():
    rule = "responses-items-overlap"
    assert _severity(CASES["calls-interleaved"].exchange, rule) is Severity.ERROR
    assert _severity(CASES["items-overlap"].exchange, rule) is Severity.INFO


def test_a_response_that_is_created_without_its_model_is_an_error_and_one_with_few_members_is_not():
    rule = "responses-response-members-missing"
    assert _severity(CASES["response-7-members"].exchange, rule) is Severity.INFO
    assert Severity.ERROR in {one.severity for one in _found(CASES["response-model-object-missing"].exchange)}


@pytest.mark.parametrize(("seconds", "severity"), [(4, None), (8, "info"), (90, "warning"), (301, "error")])
def test_silence_is_graded_by_what_codex_bears(seconds, severity):
    made = exchange(text(), gaps={2: seconds * 1_000_000})
    found = [str(one.severity) for one in _found(made) if one.rule == "responses-idle-comments-only"]
    assert found == ([severity] if severity else [])


def test_keepalive_events_break_a_silence_and_comments_do_not():
    rule = "responses-idle-comments-only"
    gaps = dict.fromkeys(range(2, 7), 80_000_000)
    events = numbered([*text()[:2], *[event("keepalive")] * 4, *text()[2:]])
    graded = {one.severity for one in _found(exchange(events, gaps=gaps)) if one.rule == rule}
    assert graded == {Severity.WARNING}  # 80 seconds each, never 300
    commented = exchange(sse(text()[:2]) + b": ping\n\n" * 4 + sse(text()[2:]), gaps=gaps)
    assert _severity(commented, rule) is Severity.ERROR


INNER = {"type": "server_error", "code": None, "message": "Try again.", "param": None}
FLAT = {"message": "Try again.", "code": "server_error", "param": None, "sequence_number": 5}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (frame({"type": "error", **FLAT}), {"responses-error-without-failed"}),
        (frame({"type": "error", "sequence_number": 5, "error": INNER}), {"responses-error-without-failed"}),
        (frame({"error": INNER}, None), {"responses-error-event-shape"}),
        (frame({"error": "Try again."}, None), {"responses-error-event-shape"}),
        (frame({"type": "server_error", **FLAT}), {"responses-error-event-shape"}),
        (frame(FLAT, None), {"responses-error-event-shape"}),
        (
            frame({"type": "error", "sequence_number": 5}),
            {"responses-error-event-shape", "responses-error-without-failed"},
        ),
    ],
)
def test_errors(told, expected):
    assert {one for one in _rules(exchange(sse(text()[:5]) + told)) if one.startswith("responses-")} == expected


def test_an_event_type_of_tomorrow_is_a_warning():
    assert _severity(CASES["unknown-response-event"].exchange, "responses-unknown-event") is Severity.WARNING


def test_calls_are_judged_as_in_chat():
    assert "tool-call-arguments-not-json" not in _rules(LAWFUL["a call that was cut"])
    free = {"type": "custom", "name": "run"}
    asked = request_for(tools=[free])
    custom = {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_1", "name": "run"}
    where = {"item_id": "ctc_1", "output_index": 0}
    done = {**custom, "input": "ls -l"}
    events = stream()
    events[2:2] = [
        event("output_item.added", output_index=0, item={**custom, "status": "in_progress", "input": ""}),
        event("custom_tool_call_input.delta", **where, delta="ls -l"),
        event("custom_tool_call_input.done", **where, input="ls -l"),
        event("output_item.done", output_index=0, item=done),
    ]
    events[-1]["response"]["output"] = [done]
    assert _rules(exchange(numbered(events), request=asked)) == set()


def test_a_response_on_the_path_of_chat_is_foreign_there():
    asked = replace(request_for(), url="http://127.0.0.1:8000/v1/chat/completions")
    assert "foreign-protocol" in _rules(exchange(text(), request=asked))


HOSTILE = [None, True, 3, -1, 10**40, 1.5, "", "\x1b[31m", [], [{}], {}, {"id": []}, {"type": {}}]


#: One event of each type, and the stream it comes from.
KINDS = {one["type"]: (made, at) for made in (failed(), tool(), text()) for at, one in enumerate(made)}


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_of_any_member_makes_a_rule_raise(value):
    for made, at in KINDS.values():
        for member in made[at]:
            events = [*made]
            events[at] = {**made[at], member: value}
            body = b"".join(b"data: " + dump(each) + b"\n\n" for each in events)
            assert analyze(exchange(body)).api == "responses"


# -- what is held ----------------------------------------------------------------------------------------------------


def test_a_whole_answer_is_held_as_a_streamed_one_is():
    streamed = analyze(exchange(stream(thought("I count."), message(), call()))).completion
    answer = stream(thought("I count."), message(), call())[-1]["response"]
    held = analyze(replace(whole(answer), request=request_for(stream=False))).completion
    assert held == streamed
    assert held["content"] == "Spring is here."
    assert held["reasoning"] == "I count."
    assert held["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert (held["finish_reason"], held["usage"]["total_tokens"]) == ("completed", 38)
    assert [one["type"] for one in held["output"]] == ["reasoning", "message", "function_call"]


def test_a_half_item_is_held_as_far_as_it_came():
    held = analyze(exchange(text()[:6], ending=Ending.UPSTREAM_CUT)).completion
    assert held["content"] == "Spring is "
    assert held["output"][0]["content"] == [{"type": "output_text", "text": "Spring is "}]
    assert held["finish_reason"] is None


def test_two_camps_hold_two_answers_where_the_finished_response_differs():
    from streamlab.apis.responses.fold import FROM_EVENTS, FROM_FINISHED, ResponseFold

    fold = ResponseFold()
    for one in text():
        fold.feed(one)
    assert fold.views() == {}
    other = ResponseFold()
    for one in [*text()[:-1], stream(message("Autumn."))[-1]]:
        other.feed(one)
    views = other.views()
    assert views[FROM_EVENTS][0]["content"][0]["text"] == "Spring is here."
    assert views[FROM_FINISHED][0]["content"][0]["text"] == "Autumn."


def test_a_moment_of_a_fold_can_be_come_back_to():
    from streamlab.apis.responses.fold import ResponseFold

    fold = ResponseFold()
    events = [*text()[:5], without(text()[5], "obfuscation")]
    for one in events:
        fold.feed(one)
    mark, then = fold.mark(), fold.completion()
    for one in text()[6:]:
        fold.feed(one)
    past = fold.at(mark)
    assert past.completion() == then
    for one in text()[6:]:
        past.feed(one)
    assert past.completion() == fold.completion()
    assert past.output()[0]["id"] == MSG


def _ended(kind, **changes):
    events = stream(call())
    events[-1] = {**events[-1], "type": f"response.{kind}", "response": {**events[-1]["response"], **changes}}
    return exchange(events)


@pytest.mark.parametrize("status", ["in_progress", "completed", ""])
def test_the_status_of_a_cut_response_is_held_against_its_event_too(status):
    made = _ended("incomplete", status=status, incomplete_details={"reason": "max_output_tokens"})
    assert "responses-terminal-status" in _rules(made)


def test_arguments_that_the_finished_response_lost_are_named():
    made = _ended("completed", output=[call(arguments="")])
    assert "responses-completed-output-differs" in _rules(made)


def test_the_input_of_a_custom_call_that_came_whole_is_named():
    done = {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_1", "name": "sh"}
    place = {"item_id": "ctc_1", "output_index": 0}
    inside = [
        event("output_item.added", output_index=0, item={**done, "status": "in_progress", "input": ""}),
        event("custom_tool_call_input.delta", **place, delta="ls"),
        event("custom_tool_call_input.done", **place, input="ls"),
        event("output_item.done", output_index=0, item={**done, "input": "ls"}),
    ]
    first, second, last = stream(call())[:2], stream()[-1], {**done, "input": "ls"}
    for events, found in ((inside, False), (inside[:1] + inside[2:], True)):
        end = {**second, "response": {**second["response"], "output": [last]}}
        made = exchange(numbered([*first, *events, end]))
        assert ("responses-no-deltas" in _rules(made)) is found


@pytest.mark.parametrize(
    ("lost", "how"),
    [(("output_item.done",), "safe"), (("text.done", "part.done", "item.done"), "none")],
)
def test_the_end_of_an_item_is_promised_only_where_it_is_on_the_wire(lost, how):
    events = [one for one in stream(message()) if not one["type"].endswith(tuple(lost))]
    if how == "none":
        events[-1] = {**events[-1], "response": {**events[-1]["response"], "output": []}}
    [found] = [one for one in _found(exchange(numbered(events))) if one.rule == "responses-item-done-missing"]
    assert str(found.repairability) == how


@pytest.mark.parametrize(
    ("url", "headers", "severity"),
    [
        ("https://chatgpt.com/backend-api/codex/responses", (("originator", "codex_cli_rs"),), "warning"),
        ("/v1/responses", (("User-Agent", "codex_exec/0.144.0 (Debian)"),), "warning"),
        ("https://chatgpt.com/backend-api/codex/responses", (("User-Agent", "OpenAI/Python 3.57.0"),), "error"),
        ("https://chatgpt.com/backend-api/codex/responses", (), "error"),
    ],
)
def test_only_codex_reads_an_empty_output_right(url, headers, severity):
    events = stream(message())
    events[-1]["response"] |= {"output": []}
    made = exchange(events, request=replace(request_for(), url=url, headers=headers))
    found = [str(one.severity) for one in analyze(made).findings if one.rule == "responses-completed-output-empty"]
    assert found == [severity]


@pytest.mark.parametrize(("timed", "cut", "severity"), [(True, 1, "error"), (False, 1, "info"), (False, 2, "error")])
def test_a_recorder_may_have_cut_the_blank_line_of_a_file(timed, cut, severity):
    body = sse(text())[:-cut]
    made = replace(exchange(body), segments=(Segment(1000 if timed else None, body),), end_us=2000 if timed else None)
    found = [str(one.severity) for one in analyze(made).findings if one.rule == "sse-unterminated-final-event"]
    assert found == [severity]


def test_a_part_that_was_opened_under_a_wrong_number_is_known_by_the_right_one():
    events = text()
    for one in events[3:5]:
        one["content_index"] = 2  # its start and its first delta
    assert _rules(exchange(events)) == {"responses-content-index-wrong"}


def test_a_call_that_ends_with_what_it_was_added_with_and_was_done_with_something_else_differs():
    events = stream(call())
    events = [one for one in events if "function_call_arguments" not in one["type"]]
    added = next(one for one in events if one["type"] == "response.output_item.added")
    added["item"]["arguments"] = events[-1]["response"]["output"][0]["arguments"] = "{}"
    assert "responses-completed-output-differs" in _rules(exchange(numbered(events)))


@pytest.mark.parametrize(("status", "found"), [("completed", True), ("incomplete", False)])
def test_arguments_that_stay_empty_are_no_json(status, found):
    """OpenAI says {} where there are none; a call that was cut may have none."""
    empty = {**call(arguments=""), "status": status}
    made = exchange(stream(empty, status=status))
    said = {one.rule: one.severity for one in analyze(made).findings}
    assert said == ({"tool-call-arguments-not-json": Severity.WARNING} if found else {})


@pytest.mark.parametrize(("changed", "told"), [("resp_REDACTED_1", False), ("resp_other", True)])
def test_no_server_changed_an_id_of_a_response_that_a_recorder_replaced(changed, told):
    events = text()
    events[-1] = {**events[-1], "response": {**events[-1]["response"], "id": changed}}
    given = exchange(sse(events))
    assert ("responses-ids-unstable" in _rules(given)) is told
    assert ("responses-ids-unstable" in normalize(given).changes) is told


@pytest.mark.parametrize(
    ("said", "rule", "found"),
    [
        ("First.\\nSecond.", "responses-text-literal-escapes", True),
        ("First.\nSee C:\\New", "responses-text-literal-escapes", False),
        ("Spring is in[DONE]", "responses-text-holds-done-marker", True),
        ("It ends in [DONE].", "responses-text-holds-done-marker", False),
        (3 * '{"object": "chat.completion.chunk"}', "responses-text-is-nested-event", True),
        (3 * '{"type": "response.completed"}', "responses-text-is-nested-event", True),
        ('{"type": "response.completed"}', "responses-text-is-nested-event", False),  # in small pieces
        (3 * '{"type": "keepalive"}', "responses-text-is-nested-event", False),
    ],
)
def test_text_that_is_something_else(said, rule, found):
    assert (rule in _rules(exchange(text(said)))) is found


@pytest.mark.parametrize(("make", "member"), [(text, "text"), (tool, "arguments")])
def test_wholes_that_are_empty_beside_deltas_are_an_error_and_stay(make, member):
    """Who takes the finished response holds nothing; but a text may also be one that was taken back."""

    def emptied(value):
        if isinstance(value, list):
            return [emptied(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {key: "" if key == member and isinstance(one, str) else emptied(one) for key, one in value.items()}

    made = exchange([event if event["type"].endswith(".delta") else emptied(event) for event in make()])
    assert _severity(made, "responses-delta-done-mismatch") is Severity.ERROR
    assert normalize(made).exchange.body == made.body


def test_who_breaks_on_another_form_is_not_named():
    def named(name, rule):
        found = [one for one in _found(CASES[name].exchange) if one.rule == rule]
        return {broken.client for one in found for broken in breaks(one.rule, one.variants, one.api)}

    assert named("items-overlap", "responses-items-overlap") == set()
    assert named("calls-interleaved", "responses-items-overlap") == {"langchain-py-responses"}
    assert "openai-python-responses-stream" in named("content-index-1", "responses-content-index-wrong")
    assert named("content-index-minus-1", "responses-content-index-wrong") == {
        "openai-node-responses-stream",
        "js-openai-v4-stream",
    }
