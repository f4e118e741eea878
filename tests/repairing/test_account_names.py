"""What `check` tells of and what the account of its repair names are the same rules: one fact has one name."""

from __future__ import annotations

import pytest

from streamlab.exchange import Ending, Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.report.blame import Ledger, event_lines
from streamlab.rules.finding import Repairability
from streamlab.rules.repair import ABSENT
from tests import messages
from tests.account_laws import broken_accounts
from tests.streams import (
    call,
    chat_text,
    chunk,
    dump,
    exchange,
    frame,
    request_for,
    responses_exchange,
    responses_sse,
    responses_text,
    sse,
)

USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
ASKED = request_for(usage=True, tools=True)
GEMINI = Request("POST", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", (), b'{"contents":[]}')
FIRST, ONE, TWO, END = chat_text("Hi", ".")
CALL = chunk({"tool_calls": [call(0, "call_1", "get_weather", "{}")]}, "tool_calls")


def _with(payload, usage):
    return {**payload, "usage": usage}


def _null(payload):
    return _with(payload, {"prompt_tokens": 8, "completion_tokens": None, "total_tokens": None})


STREAMS = {
    "every chunk": [_with(one, USAGE) for one in (FIRST, ONE, TWO, END)],
    "null until the end": [*map(_null, (FIRST, ONE, TWO)), _with(END, USAGE)],
    "beside the finish, and in a chunk of its own": [
        FIRST,
        ONE,
        _with(END, USAGE),
        {**chunk(usage=USAGE), "choices": []},
    ],
    "beside the finish": [FIRST, ONE, TWO, _with(END, USAGE)],
    "behind the finish, in a choice": [FIRST, ONE, END, _with(chunk({"content": ""}), USAGE)],
    "beside a call that finishes": [chunk({"role": "assistant", "content": None}), _with(CALL, USAGE)],
    "finished beside its call, and again": [
        chunk({"role": "assistant", "content": None}),
        CALL,
        chunk({}, "tool_calls"),
    ],
    "finished beside a call, and another comes": [
        chunk({"role": "assistant", "content": None}),
        CALL,
        chunk({"tool_calls": [call(1, "call_2", "get_weather", "{}")]}, "tool_calls"),
    ],
    "finished beside its text, and again": [FIRST, chunk({"content": "Hi"}, "length"), chunk({}, "length")],
}


def _names(made):
    told = {one.rule for one in analyze(made).findings if one.repairability is Repairability.SAFE}
    return told, set(normalize(made).changes)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_usage_and_finish_have_one_name(stream):
    told, named = _names(exchange(sse(stream), request=ASKED))
    assert named == told


def test_a_body_that_ends_behind_payloads_that_run_together_lacks_one_kind_of_line():
    before, joined = sse([FIRST, ONE], done=False), b"".join(b"data: " + dump(one) + b"\n" for one in (TWO, END))
    told, named = _names(exchange(before + joined.rstrip(b"\n") + b" "))
    assert "sse-missing-blank-line" in told
    assert named == told


_NOT_MADE = chunk({"role": "assistant", "content": None})
_UNTYPED = {key: value for key, value in call(0, "call_1", "get_weather", "{}").items() if key != "type"}
_LEAKED = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
_PRELUDE = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
}
MADE_UP = {
    "a role": ([chunk({"content": "Hi"}), END], ("role", "role-missing")),
    "the type of a call": (
        [_NOT_MADE, chunk({"tool_calls": [_UNTYPED]}), chunk({}, "tool_calls")],
        ("type", "tool-call-type-missing"),
    ),
    "the id of a call that was text": ([*chat_text(_LEAKED)], ("id", "tool-call-leaked-as-text")),
    "the type of a call that was text": ([*chat_text(_LEAKED)], ("type", "tool-call-leaked-as-text")),
    "the role of a call that was text": (
        [chunk({"content": _LEAKED}), END],
        ("role", "role-missing"),
    ),
    "what a prelude is": ([_PRELUDE, FIRST, END], ("object", "object-wrong")),
    "a role that is null": ([chunk({"role": None, "content": "Hi"}), END], ("role", "role-empty-or-null")),
    "when it was made": ([{**one, "created": None} for one in (FIRST, END)], ("created", "created-wrong-type")),
    "what it is": ([{**one, "object": None} for one in (FIRST, END)], ("object", "object-wrong")),
    "another id than two calls share": (
        [
            _NOT_MADE,
            *(chunk({"tool_calls": [call(at, "call_1", "get_weather", "{}")]}) for at in (0, 1)),
            chunk({}, "tool_calls"),
        ],
        ("id", "tool-call-id-duplicate"),
    ),
    "the code of an error that is a line of text": (
        [FIRST, ONE, b"Internal Server Error"],
        ("code", "plain-text-in-data"),
    ),
    "the type of an error": ([FIRST, ONE, {"error": {"message": "overloaded"}}], ("type", "error-code-shape")),
    "the type of an error that is text": ([FIRST, ONE, {"error": "overloaded"}], ("type", "error-string")),
}


@pytest.mark.parametrize(("stream", "made_up"), MADE_UP.values(), ids=list(MADE_UP))
def test_what_is_made_up_is_named(stream, made_up):
    assert made_up in normalize(exchange(sse(stream), request=ASKED), unsafe=True).invented


def test_that_no_token_came_out_yet_is_made_up_where_a_message_came_whole():
    usage = {"input_tokens": 5, "output_tokens": 3}
    message = messages.start(content=[{"type": "text", "text": "Hi"}], stop_reason="end_turn", usage=usage)["message"]
    came = messages.exchange(dump(message), headers=(("content-type", "application/json"),))
    repaired = normalize(came)
    assert repaired.events[0].event.json["message"]["usage"] == {**usage, "output_tokens": 0}
    assert repaired.invented == (("output_tokens", "nonstream-json-for-stream"),)


def test_calls_that_were_text_come_from_where_they_stand_in_it():
    first, second = _LEAKED, _LEAKED.replace("Oslo", "Rome")
    pieces = ("So: ", first[:20], first[20:] + "\n", "<tool", second.removeprefix("<tool"))
    events = normalize(exchange(sse(chat_text(*pieces)), request=ASKED), unsafe=True).events
    opened, said, one, two, finish, _ = events
    assert [event.sources for event in (opened, said, one, two, finish)] == [(0,), (1,), (2, 3), (4, 5), (6,)]


@pytest.mark.parametrize("name", ["beside the finish", "null until the end", "a finish again, beside usage"])
def test_what_stands_for_an_event_is_not_told_as_another_that_went(name):
    again = {**chunk({"role": "assistant"}, "stop"), "usage": USAGE}
    came = exchange(sse({**STREAMS, "a finish again, beside usage": [FIRST, ONE, END, again]}[name]), request=ASKED)
    repaired = normalize(came)
    assert broken_accounts(came, repaired) == {}
    assert not {at for one in repaired.dropped for at in one.sources} & {
        at for one in repaired.events for at in one.sources
    }
    assert _names(came)[0] == set(repaired.changes)


@pytest.mark.parametrize(
    ("body", "made_up"),
    [
        ({"error": "unauthorized"}, (("type", "http-error-body-shape"),)),
        ({"message": "unauthorized", "type": "auth_error"}, ()),  # it says its type itself
    ],
)
def test_the_type_of_an_error_answer_is_made_up_where_nobody_said_it(body, made_up):
    answer = exchange(dump(body), status=401, headers=(("content-type", "application/json"),))
    assert normalize(answer).invented == made_up


def test_what_was_absent_was_not_null():
    [first, *_] = normalize(exchange(sse([chunk({"content": "Hi"}), END]))).events
    assert [(one.path, one.was) for one in first.changes] == [("choices[0].delta.role", ABSENT)]


def test_counts_that_were_null_are_told_at_the_events_that_had_them():
    stream = [*map(_null, (FIRST, ONE, TWO)), _with(END, USAGE)]
    events = normalize(exchange(sse(stream), request=ASKED)).events
    told = [(event.sources, one) for event in events for one in event.changes if one.rule == "usage-inconsistent"]
    assert [(sources, one.path, one.was, one.now) for sources, one in told] == [
        ((at,), f"usage.{key}", None, ABSENT) for at in (0, 1, 2) for key in ("completion_tokens", "total_tokens")
    ]


def test_what_was_not_said_of_an_answer_is_not_told_as_another_rule():
    """An answer of Gemini does not say when it was made, as none does in its protocol."""
    made = {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}]}
    came = exchange(b"data: " + dump(made) + b"\r\n\r\n", request=GEMINI)
    repaired = normalize(came)
    assert b'"created":0,"model"' in repaired.exchange.body
    assert set(repaired.changes) == {"translated"}
    assert repaired.invented == (("id", "translated"),)


def test_a_dropped_event_keeps_the_names_of_all_who_changed_it():
    called = chunk({"tool_calls": [call(0, "call_1", "get_weather", "{}")]})
    stream = [chunk({"role": "assistant", "content": None}), called, chunk({}, "tool_calls"), chunk({}, "stop")]
    [gone] = normalize(exchange(sse(stream), request=ASKED)).dropped
    [line] = Ledger(False).lines(normalize(exchange(sse(stream), request=ASKED)))
    assert {gone.rule, *gone.before} == {"finish-reason-repeated", "tool-call-finish-stop"}
    assert line.endswith("from 3          finish-reason-repeated (mended before: tool-call-finish-stop)")


def test_a_cut_is_told_as_a_cut():
    cut = exchange(sse([FIRST, ONE], done=False), ending=Ending.UPSTREAM_CUT)
    repaired = normalize(cut)
    assert [one.rule for one in analyze(cut).findings] == ["truncated-chunked-body"]
    assert set(repaired.changes) == {one.rule for one in repaired.unrepaired} == {"truncated-chunked-body"}
    assert repaired.invented == (("error", "truncated-chunked-body"),)


def test_usage_in_a_chunk_of_its_own_that_came_so_is_copied():
    own = {**chunk(usage=USAGE), "choices": []}
    *_, last, done = normalize(exchange(sse([FIRST, ONE, _with(END, USAGE), own]), request=ASKED)).events
    assert (last.sources, last.changes, str(last.origin)) == ((3,), (), "copied")
    assert done.sources == (4,)


def test_a_finish_that_goes_to_the_last_of_two_calls_is_told_where_it_came():
    calls = chunk({"tool_calls": [call(at, f"call_{at}", "get_weather", "{}") for at in (0, 1)]}, "tool_calls")
    events = normalize(exchange(sse([chunk({"role": "assistant", "content": None}), calls]), request=ASKED)).events
    [first] = [one for one in events[1].changes if one.path == "choices[0].finish_reason"]
    assert (first.rule, first.was, first.now) == ("tool-call-parallel-lost", "tool_calls", None)


def test_thoughts_and_text_that_came_as_parts_of_one_text_are_no_reasoning_after_content():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "So."}]}, {"type": "text", "text": "4"}]
    told, named = _names(exchange(sse([chunk({"role": "assistant", "content": parts}), END])))
    assert named == told
    assert "content-array-parts" in told


@pytest.mark.parametrize("usual", [{}, {"logprobs": None}])
def test_a_finish_of_its_own_has_log_probabilities_where_chunks_have_them(usual):
    text = chunk({"role": "assistant", "content": "Hi"}, "stop")
    del text["choices"][0]["logprobs"]
    text["choices"][0].update(usual)
    [_, finish, _] = normalize(exchange(sse([text]))).events
    assert finish.event.json["choices"] == [{"index": 0, "delta": {}, **usual, "finish_reason": "stop"}]


@pytest.mark.parametrize("usual", [{}, {"logprobs": None}])
@pytest.mark.parametrize("text", [_LEAKED, "Hi"], ids=["a call that was text", "a finish that never came"])
def test_what_is_made_on_request_has_log_probabilities_where_chunks_have_them(text, usual):
    came = [chunk({"role": "assistant", "content": text}), *[chunk({}, "stop")] * (text == _LEAKED)]
    for one in came:
        del one["choices"][0]["logprobs"]
        one["choices"][0].update(usual)
    events = normalize(exchange(sse(came), request=ASKED), unsafe=True).events
    made = [one.event.json["choices"][0] for one in events if one.changes and type(one.event).__name__ == "Chunk"]
    assert made
    assert [{key: one[key] for key in ("logprobs",) if key in one} for one in made] == [usual] * len(made)


def test_what_says_how_an_event_came_does_not_say_that_it_was_removed():
    events = normalize(exchange(sse([FIRST, END]).replace(b"data: ", b"data:"))).events
    told = [line.strip() for at, event in enumerate(events) for line in event_lines(at, event)][1::2]
    assert told == ['sse-no-space-after-colon: was "data:"'] * 3


# -- the line before the data ------------------------------------------------------------------------------------------

_RESPONSES, _MESSAGES = responses_text("Hi", "."), messages.text("Hi")


def _odd(events):
    """The same, each changed otherwise too."""
    return [{**one, "sequence_number": 2 * at} for at, one in enumerate(events)]


UNNAMED = {
    "responses": (responses_exchange(b"".join(map(frame, _RESPONSES))), len(_RESPONSES)),
    "responses, otherwise mended too": (responses_exchange(b"".join(map(frame, _odd(_RESPONSES)))), len(_RESPONSES)),
    "messages": (messages.exchange(b"".join(map(frame, _MESSAGES))), len(_MESSAGES)),
    "messages, otherwise mended too": (
        messages.exchange(b"".join(frame({**one, "index": 3} if "index" in one else one) for one in _MESSAGES)),
        len(_MESSAGES),
    ),
}


_LINE_RULES = {"responses-event-type-mismatch", "messages-event-line-missing"}


@pytest.mark.parametrize(("came", "events"), UNNAMED.values(), ids=list(UNNAMED))
def test_a_line_that_is_put_in_is_told_wherever_it_is(came, events):
    [found] = [one for one in analyze(came).findings if one.rule in _LINE_RULES]
    repaired = normalize(came)
    assert repaired.changes[found.rule] == found.count == events
    assert broken_accounts(came, repaired) == {}


def test_a_line_that_named_a_wrong_type_goes_by_the_repair_of_that():
    events = [{**one, "type": one["type"].replace("content_part", "reasoning_part")} for one in _RESPONSES]
    told, names = _names(responses_exchange(responses_sse(events)))
    assert "responses-event-type-mismatch" not in told | names
    assert "responses-unknown-event" in names
