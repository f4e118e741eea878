"""What a comparison says, case by case; parity of two modes; which exchanges are one conversation; first sightings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from streamlab.comparing.comparison import Blame, Comparison, Kind, Relation
from streamlab.comparing.conversations import conversation_of, witness
from streamlab.comparing.hops import compare_exchanges
from streamlab.comparing.parity import are_two_modes, compare_modes
from streamlab.exchange import Ending, Exchange, Request, Segment
from streamlab.judging.trend import JudgedExchange, sightings
from streamlab.rules.finding import Severity
from tests import streams


def _said(found: Comparison) -> dict[Kind, str]:
    return {one.kind: one.message for one in found.differences}


def _compare(a: bytes, b: bytes, **more: Any) -> Comparison:
    return compare_exchanges(streams.exchange(a), streams.exchange(b, **more))


TEXT = streams.sse(streams.chat_text())


# -- messages, places, verdicts


def test_lost_text_is_counted_and_placed():
    payloads = streams.chat_text("One", " two", " three", " four")
    found = _compare(streams.sse(payloads), streams.sse([*payloads[:2], *payloads[4:]]))
    (one,) = found.differences
    assert (one.kind, one.amount, one.severity) == (Kind.TEXT_LOST, 10, Severity.ERROR)
    assert one.message == "lost 10 characters after event 1"
    (pair,) = one.pairs
    assert pair.b is None
    assert pair.a is not None
    body = streams.sse(payloads)
    assert body[slice(*pair.a.span)] == b"".join(map(streams.frame, payloads[2:4]))
    assert found.verdict.origin is Blame.B
    assert found.verdict.line.endswith("B lost 10 characters after event 1")


def test_text_lost_inside_an_event_is_placed_in_it():
    found = _compare(TEXT, TEXT.replace(b'" here"', b'" he"'))
    assert _said(found) == {Kind.TEXT_LOST: "lost 2 characters in event 3"}


def test_nulls_that_are_dropped_everywhere_are_one_difference():
    found = _compare(TEXT, TEXT.replace(b',"finish_reason":null', b""))
    (one,) = found.differences
    assert (one.kind, one.count, one.path) == (Kind.NULL_DROPPED, 5, "choices[0].finish_reason")
    assert one.message == "dropped `choices[0].finish_reason: null` in 5 events"
    assert len(one.pairs) == 5


def test_every_token_merged_into_one_event():
    found = _compare(TEXT, streams.sse(streams.chat_text("Spring is here.")))
    assert _said(found) == {Kind.EVENTS_MERGED: "merged 4 events into 1, from event 1 on"}
    assert [(row.relation, row.a_start, row.a_stop) for row in found.rows][1] == (Relation.MERGED, 1, 5)


def test_reads_merged_are_told_with_the_delay_that_causes():
    payloads = streams.chat_text(*"abcdefghijklmnopqrstuvwxyz0123456789")
    patient = streams.exchange(streams.sse(payloads))
    last = patient.segments[-1].offset_us
    burst = replace(patient, segments=(Segment(last, patient.body),))
    (one,) = compare_exchanges(patient, burst).differences
    assert one.kind is Kind.READS_MERGED
    assert one.message == "merged 39 reads into 1, which added 1.14 s to the first event"


def test_a_stream_collapsed_into_one_object():
    message = {"role": "assistant", "content": "Spring is here."}
    whole = streams.chunk(object="chat.completion", choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    b = replace(
        streams.exchange([streams.dump(whole)]),
        head=replace(streams.exchange(TEXT).head, headers=(("content-type", "application/json"),)),
    )
    said = _said(compare_exchanges(streams.exchange(TEXT), b))
    assert said[Kind.EVENTS_MERGED] == "turned a stream of 7 events into one JSON object"
    assert Kind.CONTENT_TYPE_CHANGED in said
    assert Kind.TEXT_LOST not in said


def test_a_cut_that_is_hidden_is_the_models_and_its_hiding_the_gateways():
    payloads = streams.chat_text()[:-1]
    cut = streams.exchange(streams.sse(payloads, done=False), ending=Ending.UPSTREAM_CUT)
    found = compare_exchanges(cut, streams.exchange(streams.sse(payloads)))
    assert list(_said(found).values()) == ["hid that the stream broke off (upstream-cut): [DONE] is its own"]
    assert found.verdict.origin is Blame.A
    assert "hid that the stream broke off" in found.verdict.line


def test_a_client_that_left_is_nobodys_doing():
    payloads = streams.chat_text()
    left = streams.exchange(streams.sse(payloads[:3], done=False), ending=Ending.CLIENT_LEFT)
    assert compare_exchanges(streams.exchange(streams.sse(payloads)), left).faithful


EVENTS = [part + b"\n\n" for part in streams.sse(streams.chat_text("one", " two", " three")).split(b"\n\n")[:-1]]


def _hop(tap: str, events: list[bytes], at_ms: int, ending: Ending = Ending.COMPLETE) -> Exchange:
    """An exchange whose events are 100 ms apart, from 100 ms on, recorded at a tap that was asked at this time."""
    segments = tuple(Segment(100_000 * (at + 1), one) for at, one in enumerate(events))
    found = replace(streams.exchange(TEXT), segments=segments, ending=ending, end_us=segments[-1].offset_us)
    return replace(found, tap=tap, started_at=f"2026-11-20T10:00:00.{at_ms:03}000Z")


def test_a_hop_that_reads_on_when_its_client_has_left_is_told_so():
    front = _hop("gateway", EVENTS[:3], 0, Ending.CLIENT_LEFT)
    found = compare_exchanges(_hop("model", EVENTS, 40), front)
    (one,) = found.differences
    late = len(EVENTS) - 4  # one that was under way when the client left proves nothing
    assert (one.kind, one.severity, one.amount) == (Kind.READ_ON, Severity.WARNING, late)
    span = 100 * (len(EVENTS) - 3)
    assert one.message == f"read on for {span} ms after its client had left: {late} events for nobody"
    assert one.pairs[0].a is not None
    assert (one.pairs[0].a.event, one.pairs[0].b) == (4, None)
    assert found.verdict.origin is Blame.B
    assert found.verdict.line == f"introduced between model and gateway: gateway {one.message}"


def test_a_hop_that_lets_go_when_its_client_has_left_did_nothing():
    front = _hop("gateway", EVENTS[:3], 0, Ending.CLIENT_LEFT)
    assert compare_exchanges(_hop("model", EVENTS[:4], 40, Ending.CLIENT_LEFT), front).faithful
    whole = _hop("gateway", EVENTS, 0)
    assert compare_exchanges(_hop("model", EVENTS, 40), whole).faithful
    unknown = replace(_hop("model", EVENTS, 40), started_at=None)
    assert compare_exchanges(unknown, front).faithful


def test_a_client_that_left_at_the_end_is_no_hop_that_reads_on_by_another_clock():
    front = _hop("gateway", EVENTS[:-1], 0, Ending.CLIENT_LEFT)
    assert compare_exchanges(_hop("model", EVENTS, 500), front).faithful


def test_a_status_that_changed():
    found = _compare(TEXT, b'{"error":{"message":"no"}}', status=502)
    assert _said(found)[Kind.STATUS_CHANGED] == "turned HTTP 200 into HTTP 502"
    assert found.verdict.origin is Blame.B


def test_an_alias_the_client_asked_for_is_no_fault():
    asked = streams.request_for(model="fast")
    renamed = streams.exchange(TEXT.replace(streams.MODEL.encode(), b"fast"), request=asked)
    (one,) = compare_exchanges(streams.exchange(TEXT), renamed).differences
    assert (one.kind, one.severity) == (Kind.MODEL_CHANGED, Severity.INFO)


def test_faults_that_were_there_already_are_the_models():
    broken = TEXT.replace(b'"finish_reason":"stop"', b'"finish_reason":null')
    found = _compare(broken, broken)
    assert found.faithful
    assert found.verdict.origin is Blame.A
    assert "finish-reason-missing" in found.verdict.passed_on
    assert found.verdict.line.startswith("A sent it already (")
    assert found.verdict.line.endswith("finish-reason-missing): B passed it on")


def test_an_end_that_was_repaired_is_no_fault():
    found = _compare(streams.sse(streams.chat_text(), done=False), TEXT)
    (one,) = found.differences
    assert (one.kind, one.severity) == (Kind.DONE_ADDED, Severity.INFO)
    assert found.verdict.repaired == ("done-missing",)


def test_hostile_text_is_made_visible():
    evil = TEXT.replace(streams.MODEL.encode(), b"\\u001b[31mevil")
    (one,) = _compare(TEXT, evil).differences
    assert "\x1b" not in one.message
    assert "␛" in one.message


def test_a_gemini_answer_translated_well_is_said_nothing_of():
    request = Request("POST", "http://x/v1beta/models/gemini-pro:streamGenerateContent?alt=sse", (), b"{}")
    parts = [{"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]} for text in "abc"]
    parts[-1]["candidates"][0]["finishReason"] = "STOP"
    gemini = streams.exchange(b"".join(map(streams.frame, parts)), request=request)
    assert compare_exchanges(gemini, streams.exchange(streams.sse(streams.chat_text("a", "b", "c")))).faithful
    lost = compare_exchanges(gemini, streams.exchange(streams.sse(streams.chat_text("a", "c"))))
    assert set(_said(lost)) == {Kind.TEXT_LOST}


# -- streamed against not


def _modes(streamed: bytes | list[dict[str, Any]], whole: dict[str, Any], **asked: Any) -> tuple[Exchange, Exchange]:
    body = streamed if isinstance(streamed, bytes) else streams.sse(streamed)
    one = streams.exchange(body, request=streams.request_for(**asked))
    request = json.loads(streams.request_for(**asked).body or b"")
    del request["stream"]
    other = streams.exchange([streams.dump(whole)], request=replace(one.request, body=streams.dump(request)))
    return one, other


def _whole(content: str | None = "Spring is here.", finish: str = "stop", **extra: Any) -> dict[str, Any]:
    calls = extra.pop("tool_calls", None)
    message = {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
    message.update(extra.pop("message", {}))
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return streams.chunk(object="chat.completion", choices=[choice], **extra)


def _rules(pair: tuple[Exchange, Exchange]) -> list[str]:
    return [one.rule for one in compare_modes(*pair).findings]


USED = {"usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}}


@pytest.mark.parametrize(
    ("whole", "rules"),
    [
        (_whole(), []),
        (_whole("Summer is here."), ["parity-content"]),
        (_whole(finish="length"), ["parity-finish-reason"]),
        (_whole(message={"reasoning_content": "hm"}), ["parity-reasoning"]),
        (_whole(model="another"), ["parity-envelope"]),
        (_whole(tool_calls=[streams.call(0, "call_1", "f", "{}")]), ["parity-tool-calls"]),
    ],
)
def test_what_the_two_modes_differ_in(whole, rules):
    pair = _modes(streams.chat_text(), whole, temperature=0)
    assert are_two_modes(*pair)
    assert _rules(pair) == rules
    assert _rules((pair[1], pair[0])) == rules


def test_usage_of_the_two_modes():
    streamed = [*streams.chat_text(), streams.chunk(choices=[], **USED)]
    assert _rules(_modes(streamed, _whole(**USED), seed=1)) == []
    more = {"usage": {**USED["usage"], "completion_tokens": 6}}
    assert _rules(_modes(streamed, _whole(**more), seed=1)) == ["parity-usage"]
    # Other text has another length; only the prompt is the same.
    assert _rules(_modes(streamed, _whole("Other.", **more))) == []
    prompt = {"usage": {**USED["usage"], "prompt_tokens": 6}}
    assert _rules(_modes(streamed, _whole("Other.", **prompt))) == ["parity-usage"]


def test_without_determinism_content_is_not_compared_and_that_is_said():
    found = compare_modes(*_modes(streams.chat_text(), _whole("Something else.", "length"), temperature=0.7))
    assert found.findings == ()
    assert not found.deterministic
    assert "neither temperature 0 nor a seed" in found.notes[0]


def test_ids_and_spelling_of_arguments_do_not_matter():
    whole = _whole(None, "tool_calls", tool_calls=[streams.call(0, "call_other", "get_weather", '{"city": "Oslo"}')])
    assert _rules(_modes(streams.chat_tool(), whole, seed=1)) == []
    whole = _whole(None, "tool_calls", tool_calls=[streams.call(0, "call_other", "get_weather", '{"city": "Rome"}')])
    assert _rules(_modes(streams.chat_tool(), whole, seed=1)) == ["parity-tool-calls"]


def test_white_space_at_the_ends_is_information():
    (one,) = compare_modes(*_modes(streams.chat_text("\n", "Hi"), _whole("Hi"), seed=1)).findings
    assert (one.rule, one.severity) == ("parity-content", Severity.INFO)


def test_a_bad_request_has_the_same_status_in_both_modes():
    one, other = _modes(streams.frame({"error": {"message": "bad"}}), {"error": {"message": "bad"}})
    refused = replace(other, head=replace(other.head, status=400))
    (found,) = compare_modes(one, refused).findings
    assert (found.rule, found.severity) == ("parity-error-status", Severity.WARNING)
    assert "HTTP 200 with the error inside the stream" in found.message
    both = replace(one, head=replace(one.head, status=400))
    assert compare_modes(both, refused).findings == ()


def test_an_answer_that_broke_off_is_not_compared():
    one, other = _modes(streams.chat_text()[:-2], _whole(), seed=1)
    found = compare_modes(replace(one, ending=Ending.UPSTREAM_CUT), other)
    assert found.findings == ()
    assert "did not come to its end" in found.notes[0]


def test_other_questions_are_not_two_modes():
    one, other = _modes(streams.chat_text(), _whole())
    assert not are_two_modes(one, one)
    asked = json.loads(other.request.body)
    asked["messages"] = []
    assert not are_two_modes(one, replace(other, request=replace(other.request, body=streams.dump(asked))))


# -- conversations


def _tap(number: int, tap: str, at: str, prompt: str = "How is the weather?", headers: Any = (), text: str = "Yes"):
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    request = Request("POST", "http://127.0.0.1/v1/chat/completions", tuple(headers), streams.dump(body))
    found = streams.exchange(streams.sse(streams.chat_text(text)), request=request)
    return witness(replace(found, id=number, tap=tap, started_at=f"2026-11-20T10:00:{at}Z"))


def test_taps_of_one_conversation_are_tied_by_time_and_content():
    front, back = _tap(1, "gateway", "00.000000"), _tap(2, "model", "00.004000")
    inner, outer = conversation_of(front, [back])
    assert (inner.id, outer.id) == (2, 1)
    assert inner.confidence == 0.95
    assert inner.reasons == ("asked 4.0 ms later, while the other waited", "same prompt", "same answer")
    assert [one.id for one in conversation_of(back, [front])] == [2, 1]


def test_another_prompt_or_another_time_is_another_conversation():
    front = _tap(1, "gateway", "00.000000")
    assert len(conversation_of(front, [_tap(2, "model", "00.004000", prompt="What?", text="No")])) == 1
    assert len(conversation_of(front, [_tap(2, "model", "30.000000")])) == 1


def test_a_header_that_was_let_through_settles_it():
    named = [("X-Request-Id", "r-1")]
    front = _tap(1, "gateway", "00.000000", headers=named)
    back = _tap(2, "model", "00.004000", prompt="rewritten", headers=named, text="No")
    inner, _ = conversation_of(front, [back])
    assert inner.confidence == 0.99
    assert "same x-request-id header" in inner.reasons


def test_rivals_halve_the_confidence():
    front = _tap(1, "gateway", "00.000000")
    found = conversation_of(front, [_tap(2, "model", "00.004000"), _tap(3, "model", "00.006000")])
    assert [one.id for one in found] == [2, 1]
    assert found[0].confidence == 0.47
    assert "1 more of this tap fits as well" in found[0].reasons


# -- first sightings


def test_first_sightings_say_after_how_many_exchanges_without():
    url = "http://127.0.0.1:8000/v1/chat/completions"
    seen = [
        JudgedExchange(1, "t1", url, {}),
        JudgedExchange(2, "t2", url, {}),
        JudgedExchange(3, "t3", url, {"done-missing": "warning"}),
    ]
    seen += [
        JudgedExchange(4, "t4", "http://other/v1", {"done-missing": "warning"}),
        JudgedExchange(5, "t5", url, {"done-missing": "warning"}),
    ]
    newest, older = sightings(seen)
    assert (newest.group, newest.first_id, newest.before, newest.total) == (("http://other",), 4, 0, 1)
    assert (older.first_id, older.first_at, older.last_id, older.count, older.before, older.total) == (
        3,
        "t3",
        5,
        2,
        2,
        4,
    )


# -- a gateway that reports what went wrong behind it


def test_a_cut_that_is_reported_is_the_models_alone():
    payloads = streams.chat_text()[:3]
    cut = streams.exchange(streams.sse(payloads, done=False), ending=Ending.UPSTREAM_CUT)
    error = {"error": {"message": "upstream broke off", "type": None, "param": None, "code": "500"}}
    found = compare_exchanges(cut, streams.exchange(streams.sse([*payloads, error], done=False)))
    (one,) = found.differences
    assert (one.kind, one.severity) == (Kind.ERROR_ADDED, Severity.INFO)
    assert found.verdict.origin is Blame.A
    assert found.verdict.line.endswith("B added an error event, its event 3")


def test_a_cut_that_becomes_an_error_status_is_the_models_alone():
    cut = streams.exchange(streams.sse(streams.chat_text()[:3], done=False), ending=Ending.UPSTREAM_CUT)
    found = compare_exchanges(cut, streams.exchange([streams.dump({"error": {"message": "no"}})], status=500))
    assert {one.severity for one in found.differences} == {Severity.INFO}
    assert found.verdict.origin is Blame.A
    assert "turned HTTP 200 into HTTP 500" in found.verdict.line


def test_text_that_is_no_json_and_becomes_an_error_event_is_the_models():
    broken = streams.sse([*streams.chat_text()[:3], b"plain text"], done=False)
    error = {"error": {"message": "cannot read that", "type": None, "param": None, "code": "500"}}
    found = _compare(broken, streams.sse([*streams.chat_text()[:3], error], done=False))
    (one,) = found.differences
    assert one.message == "answered event 3, which is no JSON, with an error event"
    assert found.verdict.origin is Blame.A


def test_an_event_that_says_nothing_is_not_missed_and_does_not_move():
    first, *rest = streams.chat_text()
    empty, usage = streams.chunk({"content": ""}), streams.chunk({}, usage=dict(streams.USAGE))
    a, b = streams.sse([first, empty, *rest]), streams.sse([first, *rest, usage])
    found = _compare(a, b)
    assert {(one.kind, one.severity) for one in found.differences} == {
        (Kind.EVENT_LOST, Severity.INFO),
        (Kind.EVENT_ADDED, Severity.WARNING),
    }
    assert _said(found)[Kind.EVENT_ADDED] == "added event 6 (its own) (usage)"


def test_a_gateway_that_numbers_calls_anew_moves_no_text():
    """The texts of a call are one lane, under whichever index its fragments come."""
    calls = streams.chat_tools()
    from_one = json.loads(json.dumps(calls))
    for payload in from_one:
        for choice in payload["choices"]:
            for fragment in choice["delta"].get("tool_calls") or ():
                fragment["index"] += 1
    without = json.loads(json.dumps(calls))
    for payload in without:
        for choice in payload["choices"]:
            for fragment in choice["delta"].get("tool_calls") or ():
                del fragment["index"]
    for odd in (from_one, without):
        kinds = {one.kind for one in _compare(streams.sse(odd), streams.sse(calls)).differences}
        assert not kinds & {Kind.TEXT_LOST, Kind.TEXT_ADDED, Kind.TEXT_CHANGED, Kind.EVENTS_REORDERED}, kinds
