"""A repaired Messages stream holds what was meant, has no error that it did not have, and is repaired to itself."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Request, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, normalize
from streamlab.rules.finding import Severity
from tests import streams
from tests.batches import batched
from tests.examples import examples
from tests.messages import (
    CASES,
    ERROR,
    LAWFUL,
    PING,
    STOP,
    ended,
    exchange,
    frame,
    opened,
    said,
    sse,
    start,
    text,
    thinking,
    tool,
    tools,
)


def _errors(made):
    return {one.rule for one in analyze(made).findings if one.severity is Severity.ERROR}


def _repaired(made, *, unsafe=False):
    return normalize(made, unsafe=unsafe).exchange


def _bytes(made, *, unsafe=False, step=None):
    normalizer = Normalizer(made.request, made.head, unsafe=unsafe)
    body = made.body
    pieces = [body[at : at + step] for at in range(0, len(body), step)] if step else [s.data for s in made.segments]
    return b"".join(normalizer.feed(piece) for piece in pieces) + normalizer.finish(made.ending)


def _meaning(made):
    held = analyze(made).completion
    calls = tuple((one["function"]["name"], json.loads(one["function"]["arguments"])) for one in held["tool_calls"])
    return held["content"] or "", held.get("reasoning", ""), calls, held["finish_reason"]


def _kinds(made):
    return [json.loads(line[6:])["type"] for line in made.body.splitlines() if line.startswith(b"data: ")]


@batched("name", [name for name, case in CASES.items() if case.good is not None])
def test_what_was_meant_is_held_after_repair(name):
    case = CASES[name]
    repaired = _repaired(case.exchange)
    assert _meaning(repaired) == case.good
    assert _errors(repaired) == set()


@batched("name, unsafe", product(CASES, (False, True)))
def test_repair_adds_no_error_and_is_done_once(name, unsafe):
    made = CASES[name].exchange
    once = _repaired(made, unsafe=unsafe)
    assert _errors(once) <= _errors(made)
    assert _repaired(once, unsafe=unsafe).body == once.body


@batched("name, step", product(CASES, (1, 7, 4096)))
def test_other_cuts_change_nothing(name, step):
    made = CASES[name].exchange
    assert _bytes(made, step=step) == _bytes(made)


@batched("name, unsafe", product(LAWFUL, (False, True)))
def test_what_is_lawful_comes_out_byte_for_byte(name, unsafe):
    assert _bytes(LAWFUL[name], unsafe=unsafe) == LAWFUL[name].body


def test_a_broken_off_message_ends_with_an_error_and_not_with_an_end():
    repaired = _repaired(CASES["truncated-clean-end"].exchange)
    assert _kinds(repaired)[-1] == "error"
    assert "message_delta" not in _kinds(repaired)


@pytest.mark.parametrize("ending", [Ending.CLIENT_LEFT, Ending.INTERRUPTED])
def test_nothing_is_added_where_somebody_else_ended_it(ending):
    made = exchange(sse(text()[:5]), ending=ending)
    assert _bytes(made) == made.body


def test_the_rest_of_another_answer_is_not_merged_into_the_first():
    again = [start(id="msg_01Other0000000000000000"), *text()[1:]]
    made = exchange(sse([*text()[:5], *again]))
    normalized = normalize(made)
    assert normalized.exchange.body == made.body
    assert "messages-start-repeated" in {one.rule for one in normalized.unrepaired}


def test_content_that_never_comes_as_blocks_becomes_some():
    call = {"type": "tool_use", "id": "toolu_1", "name": "x", "input": {"a": 1}}
    whole = start(content=[{"type": "text", "text": "Spring is here."}, call])
    repaired = _repaired(exchange(sse([whole, ended("tool_use"), STOP])))
    assert _meaning(repaired) == ("Spring is here.", "", (("x", {"a": 1}),), "tool_use")


def test_a_whole_message_becomes_a_stream():
    message = {**start()["message"], "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn"}
    made = exchange([json.dumps(message).encode()], headers=(("content-type", "application/json"),))
    repaired = _repaired(made)
    assert _meaning(repaired) == ("Yes.", "", (), "end_turn")
    assert _errors(repaired) == set()


def test_an_error_body_under_200_becomes_an_error_event():
    made = exchange([b'{"error":{"message":"No credit","code":402}}'], headers=(("content-type", "application/json"),))
    assert _repaired(made).body.startswith(b"event: error\n")
    assert _errors(_repaired(made)) == set()


def test_tool_inputs_that_look_repeated_and_are_not_stay():
    for pieces in (('{"a":', '{"a":1}}'), ("{", '"a":"{}"}'), ('{"a":"{', '{"}')):
        made = exchange(sse(tool("", *pieces)))
        assert _bytes(made) == made.body


def test_pings_in_a_long_silence_are_not_held_back():
    normalizer = Normalizer()
    head = sse([start(), opened(0, "thinking")])
    seen = normalizer.feed(head) + normalizer.feed(sse([PING])) + normalizer.feed(sse([PING]))
    assert seen == head + sse([PING, PING])


def test_thinking_between_tags_gets_its_block_on_request():
    made = CASES["think-tags-in-text"].exchange
    assert _meaning(_repaired(made, unsafe=True)) == ("Spring is here.", "It is March.", (), "end_turn")
    beside = CASES["reasoning-as-extra-key"].exchange
    assert _meaning(_repaired(beside, unsafe=True)) == ("Spring is here.", "It is March.", (), "end_turn")


def test_a_reason_is_guessed_only_on_request_and_only_behind_a_call():
    for events, guessed in ((text(), None), (tool(), "tool_use")):
        made = exchange(sse([*events[:-2], STOP]))
        assert _meaning(_repaired(made))[3] is None
        assert _meaning(_repaired(made, unsafe=True))[3] == guessed
        [found] = [one for one in analyze(made).findings if one.rule == "messages-stop-reason-missing"]
        assert str(found.repairability) == ("unsafe" if guessed else "none")


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "length"])
def test_a_reason_that_comes_behind_message_stop_is_taken_and_none_made_up(reason):
    for behind in ([], said(0, " More.")):
        events = [*text()[:7], STOP, *behind, ended(reason, 12)]
        held = analyze(_repaired(exchange(sse(events)), unsafe=True)).completion
        assert (held["finish_reason"], held["usage"]["output_tokens"]) == (reason.replace("length", "max_tokens"), 12)
    again = exchange(sse([*text()[:7], STOP, *tool()[5:]]))  # not an end: the answer goes on
    assert b'"end_turn"' not in _repaired(again, unsafe=True).body


# -- laws ------------------------------------------------------------------------------------------------------------

_STREAMS = (text(), tool(), tools(), thinking())
_MORE = [PING, ERROR, STOP, ended("tool_use"), ended(None), *said(0, "x"), *text(), *tool(), *tools(), *thinking()]


@st.composite
def bent(draw):
    """A perfect stream, a little out of order: events dropped, doubled, moved, or strange ones among them."""
    events = deepcopy(draw(st.sampled_from(_STREAMS)))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(events) - 1))
        how = draw(st.sampled_from(["drop", "double", "move", "other"]))
        if how == "drop" and len(events) > 1:
            del events[at]
        elif how == "double":
            events.insert(at, deepcopy(events[at]))
        elif how == "move":
            events.insert(draw(st.integers(0, len(events) - 1)), events.pop(at))
        else:
            events.insert(at, deepcopy(draw(st.sampled_from(_MORE))))
    return events


@given(bent(), st.booleans(), st.sampled_from([1, 13, 500]))
@settings(max_examples=examples(150), deadline=None)
def test_repairing_twice_equals_once_however_it_is_cut(events, unsafe, step):
    made = exchange(sse(events))
    once = _bytes(made, unsafe=unsafe)
    assert _bytes(made, unsafe=unsafe, step=step) == once
    again = replace(made, segments=(Segment(None, once),))
    assert _bytes(again, unsafe=unsafe) == once


@given(bent(), st.booleans())
@settings(max_examples=examples(150), deadline=None)
def test_errors_after_are_a_subset_of_those_before(events, unsafe):
    made = exchange(sse(events))
    assert _errors(_repaired(made, unsafe=unsafe)) <= _errors(made)


@given(bent())
@settings(max_examples=examples(100), deadline=None)
def test_as_many_calls_after_as_before_with_the_same_names(events):
    made = exchange(sse(events))
    before, after = (analyze(one).completion["tool_calls"] for one in (made, _repaired(made)))
    assert sorted(one["function"]["name"] or "" for one in before) == sorted(
        one["function"]["name"] or "" for one in after
    )


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.sampled_from(["text", "thinking", "tool_use", "text_delta", "input_json_delta"]),
)


@given(st.data())
@settings(max_examples=examples(200), deadline=None)
def test_anything_in_an_event_is_taken(data):
    events = deepcopy(data.draw(st.sampled_from(_STREAMS)))
    for _ in range(3):
        holder = events[data.draw(st.integers(0, len(events) - 1))]
        while True:
            key = data.draw(st.sampled_from(sorted(holder)))
            if isinstance(holder[key], dict) and holder[key] and data.draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = data.draw(_JUNK)
            break
    body = b"".join(frame(event, data.draw(st.sampled_from(["", "", "", "ping", None]))) for event in events)
    made = exchange(body)
    analyze(made)
    assert _bytes(made, step=9) == _bytes(made)


def test_a_translation_keeps_text_that_says_the_same_again():
    made = exchange(sse(text("Spring. ", "Spring. ", "Spring. Spring. ", "[DONE]")))
    chat = normalize(made, to_chat=True).exchange
    assert analyze(chat).completion["content"] == "Spring. Spring. Spring. Spring. [DONE]"
    assert analyze(chat).api.name == "chat.completions"


def test_an_error_that_came_without_a_frame_had_no_name_that_was_wrong():
    body = streams.dump({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    request = Request("POST", "http://localhost/v1/messages", (), b'{"stream":true}')
    repaired = normalize(streams.exchange([body], request=request, headers=(("content-type", "application/json"),)))
    assert repaired.changes == {"http-status-200-on-error": 1}
    assert repaired.exchange.body == b"event: error\ndata: " + body + b"\n\n"
