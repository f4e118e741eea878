"""A repaired Responses stream holds what was meant, has no error that it did not have, and is repaired to itself."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, errors_left, normalize
from streamlab.rules.finding import Repairability, Severity
from tests.harm_laws import broken_laws
from tests.responses import (
    CALL,
    CALL2,
    CASES,
    FC,
    LATER,
    LAWFUL,
    MSG,
    RESPONSE_ID,
    event,
    exchange,
    failed,
    frame,
    message,
    mix,
    numbered,
    sse,
    stream,
    text,
    tool,
    tools,
)

ALL = {**CASES, **LATER}
#: Nothing in them is repaired: they are lawful, or what is right is not on the wire.
_HARMLESS = ("done-sentinel", "logprobs-missing")


def _errors(made):
    return {one.rule for one in analyze(made).findings if one.severity is Severity.ERROR}


def _bytes(made, *, unsafe=False, step=None):
    normalizer = Normalizer(made.request, made.head, unsafe=unsafe)
    body = made.body
    pieces = [body[at : at + step] for at in range(0, len(body), step)] if step else [s.data for s in made.segments]
    return b"".join(normalizer.feed(piece) for piece in pieces) + normalizer.finish(made.ending)


def _repaired(made, *, unsafe=False):
    return normalize(made, unsafe=unsafe).exchange


def _events(body):
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]


def _meaning(made):
    held = analyze(made).completion
    calls = tuple((one["id"], one["function"]["name"], one["function"]["arguments"]) for one in held["tool_calls"])
    return held["content"] or "", held.get("reasoning", ""), calls, held["finish_reason"]


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if case.good is not None])
def test_what_was_meant_is_held_after_repair(name):
    case = ALL[name]
    repaired = _repaired(case.exchange)
    assert _meaning(repaired) == case.good
    assert _errors(repaired) == set()


@pytest.mark.parametrize("name", ALL)
def test_repair_adds_no_error_and_is_done_once_however_it_is_cut(name):
    made = ALL[name].exchange
    for unsafe in (False, True):
        once = _repaired(made, unsafe=unsafe)
        assert _errors(once) <= _errors(made)
        assert _repaired(once, unsafe=unsafe).body == once.body
        assert _bytes(made, unsafe=unsafe, step=13) == _bytes(made, unsafe=unsafe)


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_lawful_comes_out_byte_for_byte(name):
    for unsafe in (False, True):
        assert _bytes(LAWFUL[name], unsafe=unsafe) == LAWFUL[name].body


@pytest.mark.parametrize("name", _HARMLESS)
def test_what_harms_nobody_stays(name):
    assert _bytes(CASES[name].exchange) == CASES[name].exchange.body


# -- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["terminal-missing-clean-end", "terminal-missing-cut-in-arguments"])
def test_a_response_that_breaks_off_ends_as_openai_ends_one_that_failed(name):
    made = ALL[name].exchange
    before, after = _events(made.body), _events(_bytes(made))
    error, end = after[len(before) :]
    assert (error["type"], error["error"]["code"]) == ("error", "upstream_truncated")
    assert (end["type"], end["response"]["id"], end["response"]["status"]) == ("response.failed", RESPONSE_ID, "failed")
    assert end["response"]["error"]["message"] == error["error"]["message"]
    assert [one["sequence_number"] for one in after] == list(range(len(after)))


def test_an_error_alone_is_told_once_more_as_a_failure():
    for name in ("error-event-only-nested", "error-event-only-flat", "error-chat-shape"):
        *_, error, end = _events(_bytes(CASES[name].exchange))
        assert error["type"] == "error"
        assert (end["type"], end["response"]["error"]["message"]) == ("response.failed", "Try again.")
        assert end["sequence_number"] == error["sequence_number"] + 1


def test_items_that_were_done_are_in_the_response_that_failed():
    events = [*tool()[:-1], *failed()[2:3]]
    *_, end = _events(_bytes(exchange(numbered(events))))
    assert [one["id"] for one in end["response"]["output"]] == [FC]


@pytest.mark.parametrize("ending", [Ending.CLIENT_LEFT, Ending.INTERRUPTED])
def test_nothing_is_added_where_somebody_else_ended_it(ending):
    made = exchange(text()[:5], ending=ending)
    assert _bytes(made) == made.body


# -- identity --------------------------------------------------------------------------------------------------------


def test_what_is_written_from_the_finished_response_leaves_it_to_its_own_repair():
    body = b"".join(frame(one) for one in _events(CASES["annotations-missing"].exchange.body) if not _is_done(one))
    made = replace(CASES["annotations-missing"].exchange, segments=(Segment(None, body),))
    finished = _events(_repaired(made).body)[-1]["response"]["output"]
    assert [part["annotations"] for item in finished for part in item["content"]] == [[]]


def _is_done(event):
    return event["type"] == "response.output_item.done"


@pytest.mark.parametrize("between", [{"ping": 1}, None], ids=["a foreign event", "the end of the response"])
def test_a_call_waits_for_its_name(between):
    events = _events(CASES["name-missing-in-added"].exchange.body)
    if between is None:
        events.insert(-2, events.pop())
    else:
        events.insert(4, between)
    body = b"".join(frame(one) if "type" in one else b'data: {"ping":1}\n\n' for one in events)
    repaired = _repaired(replace(CASES["name-missing-in-added"].exchange, segments=(Segment(None, body),)))
    added = next(one for one in _events(repaired.body) if one["type"] == "response.output_item.added")
    assert added["item"]["name"] == "get_weather"
    assert _errors(repaired) == set()


@pytest.mark.parametrize("name", ["one-output-index", "output-index-missing", "calls-share-output-index"])
def test_items_on_one_index_keep_their_ids_and_get_numbers(name):
    before, after = _events(CASES[name].exchange.body), _events(_bytes(CASES[name].exchange))
    ids = [one.get("item_id") or one.get("item", {}).get("id") for one in before]
    assert [one.get("item_id") or one.get("item", {}).get("id") for one in after] == ids
    added = [one for one in after if one["type"] == "response.output_item.added"]
    assert [one["output_index"] for one in added] == list(range(len(added)))


def test_ids_that_rotate_are_the_first_one_everywhere():
    after = _events(_bytes(CASES["item-ids-rotate"].exchange))
    first = [one["item"]["id"] for one in after if one["type"] == "response.output_item.added"]
    assert {one["item_id"] for one in after if "item_id" in one} == set(first)
    assert [one["id"] for one in after[-1]["response"]["output"]] == first


def test_two_items_with_one_id_get_two_and_are_never_merged():
    after = _events(_bytes(CASES["item-id-twice"].exchange))
    assert [one["id"] for one in after[-1]["response"]["output"]] == [FC, f"{FC}_1"]
    assert len({one["call_id"] for one in after[-1]["response"]["output"]}) == 2


def test_replays_are_dropped_and_nothing_is_numbered_anew():
    assert _bytes(CASES["replayed-events"].exchange) == sse(text())


def test_a_part_that_is_opened_again_while_it_is_open_is_opened_once():
    events = text()
    made = exchange(numbered([*events[:5], events[3], *events[5:]]))
    (found,) = (one for one in analyze(made).findings if one.severity is Severity.ERROR)
    assert (found.rule, found.repairability) == ("responses-lifecycle-order", Repairability.SAFE)
    assert _bytes(made) == sse(text())
    other = deepcopy(events[3])
    other["part"]["text"] = "Spring"  # what it says is not known to be nothing
    assert _bytes(exchange(numbered([*events[:5], other, *events[5:]]))).count(b"content_part.added") == 4


def test_a_delta_that_is_an_object_is_known_when_it_comes_again_under_another_index():
    events = text()
    events[5]["delta"] = {"text": events[5]["delta"]}
    again = [events[4], {**events[5], "output_index": 1}]
    assert _bytes(exchange(sse([*events[:6], *again, *events[6:]]))) == sse(text())


def test_a_heartbeats_id_is_nobodys():
    assert b"SSE-Keep-Alive" not in _bytes(CASES["heartbeat-as-delta"].exchange)
    first = [*text()[:2], event("output_text.delta", item_id="beat", output_index=0, content_index=0, delta="\u200b")]
    made = exchange(numbered([*first, *text()[2:]]))
    assert _bytes(made, unsafe=True) == sse(text())


def test_white_space_may_be_the_beginning_of_an_answer():
    only = [event("output_text.delta", item_id=MSG, output_index=0, content_index=0, delta=one) for one in ("\n", "Hi")]
    made = exchange(numbered([*text()[:2], *only]))
    assert analyze(made).completion["content"] == "\nHi"


def test_a_call_waits_for_its_name_and_not_for_ever():
    made = CASES["name-missing-in-added"].exchange
    normalizer = Normalizer(made.request, made.head)
    seen = normalizer.feed(sse(_events(made.body)[:4]))
    assert b"output_item.added" not in seen
    rest = normalizer.feed(sse(_events(made.body)[4:]))
    assert b'"name":"get_weather"' in rest.split(b"\n\n")[0]
    cut = exchange(_events(made.body)[:5], ending=Ending.UPSTREAM_CUT)
    assert b"output_item.added" in _bytes(cut)


# -- what is not repaired --------------------------------------------------------------------------------------------


def test_what_is_true_is_never_chosen():
    for name in ("completed-other-text", "item-done-arguments-differ", "arguments-doubled", "call-id-twice"):
        assert _bytes(CASES[name].exchange, unsafe=True) == CASES[name].exchange.body


def test_an_id_that_the_server_has_to_know_is_made_up_only_on_request():
    made = CASES["call-id-missing"].exchange
    assert _bytes(made) == made.body
    after = _repaired(made, unsafe=True)
    ids = {one["item"]["call_id"] for one in _events(after.body) if "item" in one}
    assert len(ids) == 1
    assert _errors(after) == set()


def test_a_cut_answer_is_told_as_cut_only_on_request():
    made = CASES["cut-told-as-completed"].exchange
    assert _bytes(made) == made.body
    assert _events(_bytes(made, unsafe=True))[-1]["type"] == "response.incomplete"


def test_half_of_the_arguments_in_the_start_stays_until_it_is_known_to_be_all():
    given = deepcopy(tool())
    given[2]["item"]["arguments"] = '{"city":'
    given[3:6] = [{**given[3], "delta": '"Oslo"}'}]
    assert _bytes(exchange(numbered(given))) == sse(numbered(given))


def test_a_whole_answer_becomes_a_stream_that_conforms():
    repaired = _repaired(CASES["json-for-stream"].exchange)
    assert [one.message for one in analyze(repaired).findings if one.severity is not Severity.INFO] == []


# -- laws ------------------------------------------------------------------------------------------------------------

_STREAMS = (text(), tool(), tools(), mix(), failed())
_MORE = [
    event("keepalive"),
    {"type": "ping"},
    {"error": {"message": "Try again."}},
    event("output_text.delta", item_id=MSG, output_index=0, content_index=0, delta="x", logprobs=[]),
    *(one for made in _STREAMS for one in made),
]


@st.composite
def bent(draw):
    """A perfect stream with an event that is lost, comes twice, or is a strange one."""
    events = deepcopy(draw(st.sampled_from(_STREAMS)))
    at = draw(st.integers(0, len(events) - 1))
    how = draw(st.sampled_from(["drop", "double", "other"]))
    if how == "drop" and len(events) > 1:
        del events[at]
    elif how == "double":
        events.insert(at, deepcopy(events[at]))
    else:
        events.insert(at, deepcopy(draw(st.sampled_from(_MORE))))
    return numbered(events) if draw(st.booleans()) else events


@given(bent(), st.booleans(), st.sampled_from([1, 13, 500]))
@settings(max_examples=120, deadline=None)
def test_repair_brings_no_error_and_twice_equals_once_however_it_is_cut(events, unsafe, step):
    made = exchange(events)
    once = _bytes(made, unsafe=unsafe)
    assert _bytes(made, unsafe=unsafe, step=step) == once
    again = replace(made, segments=(Segment(None, once),))
    assert _bytes(again, unsafe=unsafe) == once
    # Known: where an event is lost, a text that only its end tells may be told of once it has an item of its own.
    assert _errors(again) - {"responses-no-deltas"} <= _errors(made)


@given(bent())
@settings(max_examples=60, deadline=None)
def test_no_call_is_lost_or_made_up(events):
    made = exchange(events)
    before, after = ({one["id"] for one in analyze(each).completion["tool_calls"]} for each in (made, _repaired(made)))
    assert before <= after
    final = [one for each in events for one in (each.get("response") or {}).get("output", [])]
    assert after - before <= {one.get("call_id") for one in final}


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.sampled_from(["message", "function_call", "reasoning", "response.completed", "error", MSG, FC]),
)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_anything_in_an_event_is_taken(data):
    events = deepcopy(data.draw(st.sampled_from(_STREAMS)))
    for _ in range(3):
        holder = events[data.draw(st.integers(0, len(events) - 1))]
        while holder:
            key = data.draw(st.sampled_from(sorted(holder)))
            if isinstance(holder[key], dict) and holder[key] and data.draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = data.draw(_JUNK)
            break
    body = b"".join(frame(one, data.draw(st.sampled_from(["", "", "", "ping", None]))) for one in events)
    made = exchange(body)
    analyze(made)
    assert not normalize(made, unsafe=data.draw(st.booleans())).failed


# -- what mutations showed -------------------------------------------------------------------------------------------


def test_a_failure_of_our_own_repeats_no_tier_that_was_taken_out():
    events = text()[:-1]
    events[0]["response"]["service_tier"] = "automatic"
    repaired = _repaired(exchange(events))
    assert "service_tier" not in _events(repaired.body)[-1]["response"]
    assert _repaired(repaired).body == repaired.body


def test_a_response_that_is_completed_before_its_items_is_left_as_it_is():
    """Dropping what comes behind the end would leave an empty answer; clients but Codex read on."""
    events = tool()
    early = {**events[-1], "response": {**events[-1]["response"], "output": []}}
    made = exchange(numbered([*events[:2], early, *events[2:-1]]))
    assert _repaired(made).body == made.body
    told = {one.rule: str(one.repairability) for one in analyze(made).findings if one.severity is Severity.ERROR}
    assert told == {"responses-events-after-terminal": "none"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda end: end["response"].pop("id"),
        lambda end: end["response"]["usage"].update(input_tokens_details={}),
        lambda end: end["response"]["usage"].pop("total_tokens"),
        lambda end: end.pop("response"),
    ],
    ids=["no id", "details empty", "no total", "no response"],
)
def test_an_end_that_cannot_be_read_stays_so_where_its_items_never_end(spoil):
    """Codex takes items from their ends alone: of a readable end it would make an empty answer, where it raises now."""
    events = [one for one in text() if not one["type"].startswith(("response.output_item", "response.content_part"))]
    whole, alone = deepcopy(text()), deepcopy(events)
    alone[-1]["response"]["output"] = []  # else they end as it has them
    for told in (whole, alone):
        spoil(told[-1])
    alone = [one for one in alone if one["type"] != "response.output_text.done"]
    assert _events(_repaired(exchange(numbered(whole))).body)[-1]["type"] == "response.completed"
    end = _events(_repaired(exchange(numbered(alone))).body)[-1]
    kept = numbered(alone)[-1]
    assert (end["type"], end.get("response", {}).get("usage"), end.get("response", {}).get("id")) == (
        kept["type"], kept.get("response", {}).get("usage"), kept.get("response", {}).get("id"),
    )  # fmt: skip


def test_a_call_waits_also_where_a_replay_comes_in_between():
    events = tool()
    for one in events:
        for holder in (one.get("item"), *(one.get("response") or {}).get("output", ())):
            if holder:
                holder["call_id"] = ""
    events.insert(4, events[3])
    repaired = _repaired(exchange(sse(events)), unsafe=True)
    ids = {one["item"]["call_id"] for one in _events(repaired.body) if "item" in one}
    assert len(ids) == 1
    assert "" not in ids


def test_an_item_does_not_become_the_call_of_another_by_its_id():
    events = tool()
    events.insert(2, {**events[2], "item": {**events[2]["item"], "call_id": "call_other"}})
    done = [one["item"]["call_id"] for one in _events(_repaired(exchange(numbered(events))).body) if _is_done(one)]
    assert len(done) == len(set(done))


def test_arguments_that_stood_in_the_start_alone_are_told_step_by_step():
    events = [one for one in tool() if "function_call_arguments" not in one["type"] and not _is_done(one)]
    events[2]["item"]["arguments"] = '{"city":"Oslo"}'
    kinds = [one["type"].removeprefix("response.") for one in _events(_repaired(exchange(numbered(events))).body)]
    steps = ["function_call_arguments.delta", "function_call_arguments.done", "output_item.done"]
    assert kinds == ["created", "in_progress", "output_item.added", *steps, "completed"]


@pytest.mark.parametrize("value", [None, "absent"])
def test_a_response_begins_with_an_empty_output(value):
    events = text()
    for one in events[:2]:
        one["response"]["output"] = None
        if value is not None:
            del one["response"]["output"]
    made = exchange(sse(events))
    assert [one["response"]["output"] for one in _events(_bytes(made))[:2]] == [[], []]
    assert {one.repairability for one in analyze(made).findings if one.path == "response.output"} == {"safe"}


def test_items_are_numbered_without_a_gap():
    events = mix()
    for one in events:
        if "output_index" in one:
            one["output_index"] = 2 * one["output_index"] + 1
    told = [one["output_index"] for one in _events(_bytes(exchange(sse(events)))) if "output_index" in one]
    assert told == [one["output_index"] for one in _events(sse(mix())) if "output_index" in one]


def _nulls(*places):
    """A text whose deltas at these places are null, and the deltas that go out for it."""
    events = text()
    deltas = [one for one in events if one["type"] == "response.output_text.delta"]
    for place in places:
        deltas[place]["delta"] = None
    out = _events(_bytes(exchange(sse(events))))
    assert [one["sequence_number"] for one in out] == list(range(len(out)))
    return [one["delta"] for one in out if one["type"] == "response.output_text.delta"]


def test_a_delta_that_lost_its_text_gets_it_back_from_the_whole():
    whole = _nulls()
    assert [_nulls(place) for place in range(len(whole))] == [whole] * len(whole)


def test_two_deltas_that_lost_their_text_are_not_guessed_apart():
    whole = _nulls()
    assert _nulls(0, 2) == [piece for place, piece in enumerate(whole) if place not in (0, 2)]


def test_a_null_delta_of_a_whole_text_is_dropped():
    events = text()
    at = next(at for at, one in enumerate(events) if one["type"] == "response.output_text.delta")
    events.insert(at, {**events[at], "delta": None})
    out = _events(_bytes(exchange(sse(numbered(events)))))
    assert [one["delta"] for one in out if "delta" in one] == _nulls()


def test_a_resumed_stream_keeps_its_numbers_whatever_its_first_event_lacks():
    events = text()[2:]
    del events[0]["item"]["id"]
    assert [one["sequence_number"] for one in _events(_repaired(exchange(sse(events))).body)][:2] == [2, 3]


def test_items_that_stand_in_the_finished_response_alone_get_ids_everywhere():
    events = [*tool()[:2], tool()[-1]]
    del events[-1]["response"]["output"][0]["id"]
    out = _events(_repaired(exchange(numbered(events))).body)
    told = {one.get("item_id") or one["item"]["id"] for one in out if "output_index" in one}
    assert told == {out[-1]["response"]["output"][0]["id"]} == {"fc_0"}


def test_a_call_that_began_without_a_call_id_is_given_none_later():
    events = tool()
    for one in events:
        if "item" in one:
            one["item"]["call_id"] = ""
    events.insert(4, event("output_item.added", output_index=1, item={"id": MSG, "type": "message", "content": []}))
    repaired = _repaired(exchange(numbered(events)), unsafe=True)
    assert {one["item"].get("call_id", "") for one in _events(repaired.body) if "item" in one} == {""}


def test_what_nobody_can_read_behind_the_end_goes_with_the_rest():
    made = exchange(sse(text()) + b'data: {"type":"response.created","resp\n\n' + sse(text()))
    assert _repaired(made).body == sse(text())


@pytest.mark.parametrize("make", [text, mix, tools])
def test_items_that_came_in_deltas_alone_end_as_the_finished_response_has_them(make):
    """Codex, which takes them from their ends alone, raised where the last event has no blank line, and then held an
    empty answer."""
    alone = numbered([one for one in make() if one["type"].endswith((".created", ".delta", ".completed"))])
    made = exchange(sse(alone)[:-1])
    repaired = _repaired(made)
    done = [one["item"] for one in _events(repaired.body) if _is_done(one)]
    assert done == alone[-1]["response"]["output"]
    assert not broken_laws(made)
    alone[1]["delta"] = "other"  # the response says something else than was streamed
    assert done[0] not in [one["item"] for one in _events(_repaired(exchange(alone)).body) if _is_done(one)]


def test_an_item_that_is_none_is_not_done():
    events = text()
    events[2]["item"] = None
    body = _repaired(exchange(numbered([one for one in events if not _is_done(one)]))).body
    assert [one for one in _events(body) if _is_done(one)] == []


def test_an_end_by_another_name_that_tells_another_answer_keeps_it():
    events = text()
    events[-1]["type"] = "response.done"
    assert _events(_repaired(exchange(events)).body)[-1]["type"] == "response.completed"
    events[-1]["response"]["output"][0]["content"][0]["text"] = "Autumn."
    assert "response.done" in {one["type"] for one in _events(_repaired(exchange(events)).body)}


def test_two_calls_never_end_with_one_call_id():
    events = [one for one in tools() if not (_is_done(one) and one["output_index"] == 0)]
    events[-1]["response"]["output"][0]["call_id"] = events[-1]["response"]["output"][1]["call_id"]
    done = [one["item"]["call_id"] for one in _events(_repaired(exchange(numbered(events))).body) if _is_done(one)]
    assert len(done) == len(set(done))


def test_done_may_stand_anywhere():
    events = [frame(one) for one in stream(message("word " * 80))]
    for at in range(len(events)):
        made = exchange(b"".join([*events[:at], b"data: [DONE]\n\n", *events[at:]]))
        assert _meaning(_repaired(made)) == _meaning(exchange(b"".join(events)))


def test_calls_in_turns_go_out_one_after_the_other_and_nothing_else_waits():
    made = CASES["calls-interleaved"].exchange
    repaired = _repaired(made)
    kinds = [(one["output_index"], one["type"].rpartition(".")[2]) for one in _events(repaired.body) if _indexed(one)]
    assert kinds == [(index, step) for index in (0, 1) for step in ("added", *["delta"] * 3, "done", "done")]
    overlapping = CASES["items-overlap"].exchange  # a text and reasoning: a text that waits would not be streamed
    assert _repaired(overlapping).body == overlapping.body


def _indexed(event):
    return "output_index" in event


def test_a_second_call_without_a_name_waits_for_it_as_well():
    turns = tools()
    for one in turns:
        if one["type"] == "response.output_item.added":
            one["item"].pop("name")
    first = turns.pop(7)  # the first call is never said to be done, but in the end
    assert first["type"] == "response.output_item.done"
    repaired = _repaired(exchange(numbered(turns)))
    starts = [one["item"] for one in _events(repaired.body) if one["type"] == "response.output_item.added"]
    assert [one.get("name") for one in starts][1] == "get_weather"


def test_a_delta_behind_a_text_that_was_told_whole_goes_on_request():
    made = CASES["delta-after-text-done"].exchange
    assert _repaired(made).body == made.body
    assert _bytes(made, unsafe=True) == exchange(text()).body


def test_calls_in_turns_that_begin_without_names_get_them_each_before_it_is_run():
    turns = _events(CASES["calls-interleaved"].exchange.body)
    for one in turns:
        if one["type"] == "response.output_item.added":
            one["item"]["name"] = None
    repaired = _repaired(exchange(turns))
    assert _errors(repaired) == set()
    starts = [one["item"] for one in _events(repaired.body) if one["type"] == "response.output_item.added"]
    assert [(one["call_id"], one["name"]) for one in starts] == [(CALL, "get_weather"), (CALL2, "get_weather")]


def test_an_output_text_that_is_not_the_text_is_dropped():
    made = LATER["output-text-empty"].exchange
    before, after = _events(made.body), _events(_bytes(made))
    assert before[-1]["response"].pop("output_text") == ""
    assert after == before
    before[-1]["response"] |= {"output_text": "", "output": []}  # the items come back, and it is not theirs
    assert "output_text" not in _events(_bytes(exchange(before)))[-1]["response"]


@pytest.mark.parametrize(
    "said",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "It rains."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "It rains."}},
    ],
)
def test_what_an_event_of_messages_says_among_them_stays(said):
    events = text()
    made = exchange([*events[:5], said, *events[5:]])
    mended = normalize(made)
    assert said in _events(mended.exchange.body)
    assert errors_left(mended) == ("responses-keepalive-event",)
    assert not broken_laws(made)
