"""The law of runs: whether events that are like one before are read one by one or as a run changes nothing."""

from __future__ import annotations

import json
from functools import partial, reduce
from operator import getitem

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis import api_named
from streamlab.apis.chat.rules.lifecycle.finish_reason_empty_string import FinishReasonEmptyString
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.lessons import Runs
from streamlab.repairing.pipeline import Pipeline
from streamlab.rules.timing.burst_delivery import BurstDelivery
from streamlab.rules.timing.stall_gap import StallGap
from streamlab.rules.transport.oversized_sse_line import OversizedSseLine
from streamlab.rules.transport.utf8_split_over_reads import Utf8SplitOverReads
from streamlab.wire.events import Chunk
from streamlab.wire.learnt import template_of
from streamlab.wire.locate import steps_of
from streamlab.wire.run_decoder import RunDecoder
from streamlab.wire.runs import Run, TextKind, Varying
from streamlab.wire.stream import StreamDecoder, events_of, raws_of
from tests.examples import examples
from tests.judging.by_runs import Stream, assert_alike

_HEAD = ResponseHead(200, (("content-type", "text/event-stream"),), 5)
_REQUEST = Request(
    "POST",
    "/v1/chat/completions",
    (),
    b'{"model":"m","stream":true,"messages":[],"tools":[{"type":"function","function":{"name":"f"}}]}',
)
_PLACE = b"\x01"

#: What stands between the quotes of a text that varies: plain, escaped, wide, broken, or no string at all.
_TEXTS = st.sampled_from(
    [b" word", b"a", b" of course", "世界".encode(), b"{", b"}", b'{\\"', b'\\"}', b'\\"a\\":1', b"\\n", b"\\u00e9"]
    + [b"\\ud83d\\ude00", b"\xe4\xb8", b"\x96\xad", b"\xff", b"\xef\xbf\xbd", "\u2028".encode(), b"", b"\\ud83d", b"\\"]
    + [b"\x00", b"\t", b"\n", b"\r", b'"', b'","x":"', b'a"\n,"b', b'"}}]}\n\ndata: {"id":"', b"\\x", b"1" * 1001]
    + [b" word"] * 20
)  # fmt: skip
_LINE_ENDS = st.sampled_from([b"\n\n"] * 6 + [b"\r\n\r\n", b"\n\r\n", b"\n\n\n", b"\n: ping\n\n"])


def _chunk(delta: dict, **rest: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    envelope = {
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
        "object": "chat.completion.chunk",
        "created": 1741570283,
    }
    return json.dumps({**envelope, "model": "m", "choices": [choice], **rest}, separators=(",", ":")).encode()


def _call(**function: str) -> dict:
    return {"tool_calls": [{"index": 0, "function": function}]}


_T = _PLACE.decode()


def _told_again(**rest: object) -> dict:
    """A fragment that tells again, or leaves empty, what its call has: a finding in every chunk."""
    function = {"name": None, "arguments": _T}
    return {"tool_calls": [{"index": 0, "id": None, "function": function, **rest}], "function_call": None, "role": None}


_FORMS = [
    _chunk({"content": _T}),
    _chunk({"content": _T}, obfuscation="xyz"),
    _chunk({"content": "", "reasoning_content": _T}),
    _chunk(_call(arguments=_T)),
    _chunk({"role": "assistant", "content": _T}),
    _chunk({"refusal": _T}),
    _chunk({"content": _T}, created=1741570284),
    _chunk({"content": _T, "reasoning": "Hm."}),
    _chunk(_told_again()),
    _chunk(_told_again(id="call_1", type="function", function={"name": "f", "arguments": _T})),
    _chunk(_told_again(id="", type="", function={"name": "", "arguments": _T})),
    _chunk({"role": "assistant", "content": _T, "tool_calls": [], "x_own": 1}),
    _chunk({"content": _T, "tool_calls": {}}),
    _chunk({"role": "", "content": _T, "function_call": None}, service_tier="own"),
    json.dumps({"object": "text_completion", "choices": [{"index": 0, "text": _T}]}).encode(),
    _chunk({"content": _T, "reasoning_content": ""}),
    _chunk({"content": [{"type": "text", "text": "x"}], "reasoning": _T}),
    _chunk({"content": False, "reasoning": _T}),
    _chunk({"content": "", "reasoning": _T, "reasoning_details": [{"type": "reasoning.summary", "summary": _T}]}),
    _chunk({"content": "", "reasoning": _T, "reasoning_details": [{"type": "reasoning.text", "text": _T, "index": 0}]}),
    json.dumps(
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "model": "m",
            "choices": [{"index": 0, "text": _T, "delta": {"token_id": 78, "role": "assistant", "content": _T}}],
        }
    ).encode(),
]
_BARE = [
    _chunk({}),
    _chunk({"content": ""}),
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"role": "assistant", "content": None, "reasoning": None, "reasoning_details": []}),
    _chunk({"refusal": None, "tool_calls": [], "reasoning": ""}),
    _chunk({}, id="keepalive", model="ping"),
    _chunk({"content": "", "function_call": {}}),
]
_FORMS = [one.replace(b"\\u0001", _PLACE) for one in _FORMS]
_ODD = st.sampled_from(
    [
        b"data: [DONE]\n\n", b": ping\n\n", b"\n", b"data: ", b"\xef\xbb\xbf", b"data: {}\n\n",
        b"data: " + _chunk({"role": "assistant", "content": ""}) + b"\n\n",
        b"data: " + _chunk({"role": "assistant", "content": None}) + b"\n\n",
        b"data: " + _chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}) + b"\n\n",  # noqa: E501
        b"data: " + _chunk({"tool_calls": [{"index": 1, "id": "call_2", "type": "function", "function": {"name": "f", "arguments": ""}}]}) + b"\n\n",  # noqa: E501
        b"data: " + _chunk({}).replace(b'"finish_reason":null', b'"finish_reason":"stop"') + b"\n\n",
        b'data: {"error":{"message":"x"}}\n\n',
    ]
)  # fmt: skip


@st.composite
def _same(draw: st.DrawFn) -> bytes:
    """Some events of one form, with one byte changed now and then."""
    form, end = draw(st.sampled_from(_FORMS)), draw(_LINE_ENDS)
    form = form.replace(b"78", b"%d" % draw(st.integers(0, 10**16)))
    texts = draw(st.lists(_TEXTS, min_size=2, max_size=8))
    copies = texts if draw(st.integers(0, 3)) else texts[::-1]  # a text that stands there twice, or two of them
    pairs = zip(texts, copies, strict=True)
    events = [b"data: " + form.replace(_PLACE, one, 1).replace(_PLACE, two) + end for one, two in pairs]
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(events) - 1))
        place = draw(st.integers(0, len(events[at]) - 1))
        events[at] = (
            events[at][:place] + draw(st.sampled_from([b'"', b"x", b"\n", b"\\", b""])) + events[at][place + 1 :]
        )
    return b"".join(events)


@st.composite
def _bare(draw: st.DrawFn) -> bytes:
    """The same event again and again, without any text; and another one between now and then."""
    event = b"data: " + draw(st.sampled_from(_BARE)) + draw(_LINE_ENDS)
    other = draw(st.sampled_from(_BARE + _FORMS)).replace(_PLACE, draw(_TEXTS))
    return event * draw(st.integers(1, 9)) + b"data: " + other + b"\n\n" + event * draw(st.integers(0, 4))


_OPENED = b"data: " + _chunk({"role": "assistant", "content": ""}) + b"\n\n"
_bodies = st.lists(_same() | _bare() | _ODD, min_size=1, max_size=6).map(lambda parts: _OPENED + b"".join(parts))
_cuts = st.lists(st.integers(1, 900), max_size=8)
_requests = st.sampled_from([None, _REQUEST])


def _reads(body: bytes, lengths: list[int]) -> list[bytes]:
    """The body cut into these lengths, and from there on into equal ones, some in the middle of an event."""
    reads, at = [], 0
    for length in lengths:
        reads.append(body[at : at + length])
        at += length
    return [*reads, *(body[one : one + 1500] for one in range(at, len(body), 1500))]


def _checked(reads: list[bytes], request: Request | None, runs: Runs, timed: bool) -> str:
    analyzer = Analyzer(request, _HEAD, timing_known=timed, runs=runs)
    for at, data in enumerate(reads):
        analyzer.feed(at * 400_000 if timed else None, data)
    return repr(analyzer.finish(Ending.COMPLETE, 99_000_000 if timed else None))


_times = st.lists(st.sampled_from([0, 1, 999, 1000, 1001, *[20_000] * 6, 900_000, 6_000_000, 31_000_000]), min_size=1)


@given(st.lists(_same() | _ODD, min_size=1, max_size=8), st.lists(st.integers(1, 400), max_size=20), _times)
@settings(max_examples=examples(150))
def test_reads_that_are_fed_together_are_judged_like_reads_one_by_one(parts, lengths, gaps):
    """Also what is said of when they came, and where one ends."""
    reads, offsets, now = _reads(_OPENED + b"".join(parts), lengths), [], 0
    for at in range(len(reads)):
        now += gaps[at % len(gaps)]
        offsets.append(now if now % 1001 else None)
    said = []
    for runs in (Runs.OFF, Runs.EAGER, Runs.USUAL):
        analyzer = Analyzer(_REQUEST, _HEAD, timing_known=True, runs=runs)
        if runs is Runs.OFF:
            for offset_us, data in zip(offsets, reads, strict=True):
                analyzer.feed(offset_us, data)
        else:
            analyzer.feed_reads(offsets, reads)
        said.append(repr(analyzer.finish(Ending.UPSTREAM_CUT, now + 40_000_000)))
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("rule", [OversizedSseLine, Utf8SplitOverReads, BurstDelivery, StallGap])
def test_reads_of_a_clean_stream_are_taken_together(rule, monkeypatch):
    asked = []
    segment = rule.segment
    monkeypatch.setattr(rule, "segment", lambda self, *given: asked.append(1) or segment(self, *given))
    events = _CLEAN["text"][0]
    analyzer = Analyzer(_REQUEST, _HEAD, timing_known=True)
    analyzer.feed_reads([20_000 * at for at in range(len(events) + 1)], [_OPENED, *events])
    analyzer.finish(Ending.COMPLETE, 10_000_000)
    assert 0 < len(asked) < 20


@given(_bodies, _cuts, _requests, st.booleans())
@settings(max_examples=examples(150))
def test_runs_change_no_account(body, lengths, request, unsafe):
    assert_alike(partial(Stream(_reads(body, lengths), request, _HEAD).accounted, unsafe=unsafe))


@given(_bodies, _cuts, _requests)
@settings(max_examples=examples(150))
def test_runs_change_no_difference(body, lengths, request):
    assert_alike(Stream(_reads(body, lengths), request, _HEAD).compared)


@given(_bodies, _cuts, _requests, st.booleans())
@settings(max_examples=examples(150))
def test_runs_change_no_finding(body, lengths, request, timed):
    reads = _reads(body, lengths)
    assert_alike(lambda runs: _checked(reads, request, runs, timed))


@given(_bodies, _cuts, _requests, st.booleans())
@settings(max_examples=examples(150))
def test_runs_change_no_byte(body, lengths, request, unsafe):
    assert_alike(partial(Stream(_reads(body, lengths), request, _HEAD).normalized, unsafe=unsafe))


@given(_bodies, _cuts)
@settings(max_examples=examples(150))
def test_runs_hold_the_events_that_are_read_one_by_one(body, lengths):
    plain, running = StreamDecoder(), StreamDecoder()
    api = api_named("chat.completions")
    for data in _reads(body, lengths):
        events = []
        for one in running.feed_runs(data):
            events += events_of(one) if isinstance(one, Run) else [one]
            if isinstance(one, Run):
                varying = one.template.varying
                places = [steps_of(path) for path in (varying.path, *varying.copies) if path]
                for event, text in zip(events_of(one), one.texts, strict=True):
                    assert all(reduce(getitem, place, event.json) == text for place in places)
        for event in events:
            varying = api.repeated(event.json) if isinstance(event, Chunk) else None
            template = template_of(event, varying) if varying is not None else None
            if template is not None:
                running.learn(template)
        assert events == plain.feed(data)
    assert running.finish() == plain.finish()


def _clean(form: bytes, count: int) -> list[bytes]:
    return [b"data: " + form.replace(_PLACE, b" w%d" % at) + b"\n\n" for at in range(count)]


_CALL_OPENS = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
_CALL_OPENED = [_chunk({"tool_calls": [_CALL_OPENS]}), _chunk(_call(arguments='{"a":"'))]
_CLEAN = {
    "text": (_clean(_FORMS[0], 400), []),
    "padded text": (_clean(_FORMS[1], 400), []),
    "reasoning": (_clean(_FORMS[2], 400), []),
    "arguments": (_clean(_FORMS[3], 400), _CALL_OPENED),
}


_BROKEN = {
    "a call told again": (_clean(_FORMS[8], 400), _CALL_OPENED),
    "the role again": (_clean(_FORMS[11], 500), []),
}


#: What only who judges takes together.
_JUDGED = {
    "reasoning twice": _clean(_FORMS[-2], 400),
    "text twice and the numbers of tokens": [
        one.replace(b"78", b"%d" % at) for at, one in enumerate(_clean(_FORMS[-1], 400))
    ],
    "a summary twice": _clean(_FORMS[-2].replace(b'"text": ', b'"summary": '), 400),
    "a time that changes": [
        one.replace(b"1741570283", b"%d" % (1741570283 + at // 4)) for at, one in enumerate(_clean(_FORMS[0], 500))
    ],
    "no text": _clean(_BARE[0], 400),
    "no text and a role": _clean(_BARE[2], 400),
    "no reasoning": _clean(_BARE[3].replace(b'"content":null', b'"content":""'), 400),
}


def _reads_of(events: list[bytes], opening: list[bytes]) -> list[bytes]:
    body = b"".join(events)
    reads = [_OPENED, *(b"data: " + one + b"\n\n" for one in opening)]
    return reads + [body[at : at + 4096] for at in range(0, len(body), 4096)]


def _counted(monkeypatch) -> dict[str, int]:
    """How many events are judged and passed in runs from here on."""
    taken = {"judged": 0, "passed": 0}

    def counting(key, method):
        def count(self, *given):
            done = method(self, *given)
            taken[key] += len(given[-1]) if done else 0
            return done

        return count

    judge = Analyzer._judge_run

    def judged(self, table, batch, run):
        left = judge(self, table, batch, run)
        taken["judged"] += 0 if left else len(run)
        return left

    monkeypatch.setattr(Analyzer, "_judge_run", judged)
    monkeypatch.setattr(Pipeline, "take_run", counting("passed", Pipeline.take_run))
    return taken


@pytest.mark.parametrize("name", _CLEAN)
def test_a_clean_stream_is_read_and_passed_in_runs(name, monkeypatch):
    reads = _reads_of(*_CLEAN[name])
    taken = _counted(monkeypatch)
    _checked(reads, _REQUEST, Runs.USUAL, True)
    stream = Stream(reads, _REQUEST, _HEAD)
    stream.normalized(Runs.USUAL)
    assert taken["judged"] > 300
    assert taken["passed"] > 300
    taken["passed"] = 0
    stream.compared(Runs.USUAL)
    assert taken["passed"] > 300


@pytest.mark.parametrize("name", _JUDGED)
def test_events_that_say_a_text_twice_or_nothing_are_judged_in_runs(name, monkeypatch):
    reads = _reads_of([*_JUDGED[name], *_clean(_FORMS[0], 3), b"data: [DONE]\n\n"], [])
    taken = _counted(monkeypatch)
    _checked(reads, _REQUEST, Runs.USUAL, True)
    assert taken["judged"] > 300
    assert_alike(partial(_checked, reads, _REQUEST, timed=True))


def test_what_says_another_text_beside_is_no_copy():
    decoder = StreamDecoder()
    (_, event) = decoder.feed(_OPENED + _clean(_FORMS[-2], 1)[0])
    varying = api_named("chat.completions").repeated(event.json)
    assert varying is not None
    assert len(varying.copies) == 1
    decoder.learn(template_of(event, varying))
    pair = [b"data: " + _FORMS[-2].replace(_PLACE, one, 1).replace(_PLACE, b"a") + b"\n\n" for one in (b"a", b"b")]
    assert [type(decoder.feed_runs(one)[0]) for one in pair] == [Run, Chunk]


def test_heartbeats_before_an_answer_or_in_its_place_are_no_answer():
    beats = _clean(_chunk({}, id="keepalive", model="ping"), 40)
    for rest in ([], _clean(_FORMS[0], 3)):
        for start in ([], [b": x\n\n"]):
            reads = [*start, *beats, *rest, b"data: [DONE]\n\n"]
            assert_alike(partial(_checked, reads, _REQUEST, timed=True))
            assert ("events that hold nothing" in _checked(reads, _REQUEST, Runs.EAGER, timed=True)) is not bool(rest)


@pytest.mark.parametrize("name", _CLEAN)
def test_reads_of_one_event_are_passed_together_where_they_are_compared(name, monkeypatch):
    events, opening = _CLEAN[name]
    at_once = []
    take_run = Pipeline.take_run
    monkeypatch.setattr(Pipeline, "take_run", lambda self, run: at_once.append(len(run)) or take_run(self, run))
    events = [*events[:200], b"data: {oops\n\n", b": ping\n\n", *events[200:]]
    reads = [_OPENED, *(b"data: " + one + b"\n\n" for one in opening), *events]
    stream = Stream(reads, _REQUEST, _HEAD)
    assert stream.compared(Runs.USUAL) == stream.compared(Runs.OFF)
    assert max(at_once) > 40
    assert sum(at_once) > 300


@pytest.mark.parametrize("size", [61, 333, 5000])
def test_each_event_of_a_run_came_with_its_own_read(size):
    """Reads are judged together; what is said of the times, and where in the stream, is that of each read."""
    events = [b"data: " + _chunk({"content": f" w{at}"}) + b"\n\n" for at in range(400)]
    events[60] += b": ping\n\n"
    events[130:131] = [events[130].replace(b"\n", b"\r"), b"data: {oops\n\n"]
    events[250] = events[250].replace(b" w250", "\u2028 世".encode())
    body = _OPENED + b"".join(events)
    reads = [body[at : at + size] for at in range(0, len(body), size)]
    said = []
    for runs in (Runs.OFF, Runs.USUAL):
        analyzer = Analyzer(_REQUEST, _HEAD, timing_known=True, runs=runs)
        for at, data in enumerate(reads):
            analyzer.feed(1000 * at + 40_000_000 * (at > len(reads) // 2) + 7_000_000 * (at > len(reads) // 3), data)
        said.append(repr(analyzer.finish(Ending.UPSTREAM_CUT, 99_000_000)))
    assert said[0] == said[1]
    assert "stall-gap" in said[0]


@pytest.mark.parametrize("name", [*_BROKEN, "text"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_findings_on_every_chunk_are_counted_in_runs(name, line_end, monkeypatch):
    reads = [one.replace(b"\n", line_end) for one in _reads_of(*(_BROKEN | _CLEAN)[name])]
    taken = _counted(monkeypatch)
    said = _checked(reads, _REQUEST, Runs.USUAL, True)
    assert taken["judged"] > 100
    assert said == _checked(reads, _REQUEST, Runs.OFF, True)


def test_an_answer_that_starts_over_under_repeated_roles_is_found_however_late():
    texts = [f" word{at}" for at in range(300)] + ["One", " two", " three", " four"] * 2
    events = [b"data: " + _chunk({"role": "assistant", "content": one}) + b"\n\n" for one in [*texts[300:304], *texts]]
    whole = [b"data: " + _chunk({"role": "assistant", "content": one}) + b"\n\n" for one in texts[:300] * 2]
    begun = [
        b"data: " + _chunk({"role": "assistant", "content": one}) + b"\n\n" for one in ["H", "i", " the", " re"] * 2
    ]
    for reads, found in ((whole, True), (events, False), ([b"".join(begun)], True)):
        said = [_checked(reads, _REQUEST, runs, True) for runs in Runs]
        assert said[0] == said[1] == said[2]
        assert ("rule='answer-starts-over'" in said[0]) is found


@pytest.mark.parametrize("odd", [" <b", " \\ ", "."])
def test_an_odd_text_in_a_run_is_judged_alone(odd, monkeypatch):
    texts = [odd if at % 50 == 49 else f" word{at}" for at in range(400)]
    alone, judge = [], Analyzer._judge
    monkeypatch.setattr(Analyzer, "_judge", lambda *given: alone.append(given[-1]) or judge(*given))
    events = [b"data: " + _chunk({"content": one}) + b"\n\n" for one in texts]
    said = _checked([_OPENED, *events[:4], b"".join(events[4:])], _REQUEST, Runs.USUAL, False)
    assert len(alone) < 20
    assert said == _checked([_OPENED, *events[:4], b"".join(events[4:])], _REQUEST, Runs.OFF, False)


@pytest.mark.parametrize("turns", [(0, 1), (0, 0, 1), (0, 1, 1, 1, 0, 0), (0,) * 30 + (1,)])
@pytest.mark.parametrize(
    "other", [{"content": "", "reasoning_content": ""}, {"reasoning_content": "", "refusal": None}]
)
def test_forms_that_take_turns_are_both_runs(turns, other, monkeypatch):
    alone, judge = [], Analyzer._judge
    monkeypatch.setattr(Analyzer, "_judge", lambda *given: alone.append(given[-1]) or judge(*given))
    forms = [{"reasoning_content": ""}, other]
    texts = [{**forms[turns[at % len(turns)]], "reasoning_content": f" word{at}"} for at in range(600)]
    reads = [_OPENED, b"".join(b"data: " + _chunk(one) + b"\n\n" for one in texts)]
    said = _checked(reads, _REQUEST, Runs.USUAL, False)
    assert len(alone) < 30
    assert said == _checked(reads, _REQUEST, Runs.OFF, False)


def test_a_run_is_cut_between_its_events():
    for end in (b"\n\n", b"\r\n\r\n"):
        events = [b"data: " + _chunk({"content": one}) + end for one in ("a", "bc", "d", "ef")]
        template = None
        decoder = StreamDecoder()
        for event in decoder.feed(_OPENED + events[0]):
            template = template_of(event, Varying(TextKind.CONTENT, "choices[0].delta.content", 0)) or template
        decoder.learn(template)
        (run,) = decoder.feed_runs(b"".join(events[1:]))
        assert [run.event_with(at) for at in range(5)] == [0, 0, 1, 2, 2]
        for number in range(3):
            parts = run.around(number)
            assert [part.raw for part in parts if part.texts == run.texts[number : number + 1]] == [events[number + 1]]
            assert b"".join(part.raw for part in parts) == run.raw
            assert [one.sse for part in parts for one in events_of(part)] == [one.sse for one in events_of(run)]
        assert run.last_event() == events_of(run)[-1].sse
        assert raws_of(run) == [one.sse.raw for one in events_of(run)]


def test_a_place_that_was_spoken_of_is_only_counted(monkeypatch):
    located = []
    place = FinishReasonEmptyString.placed
    monkeypatch.setattr(FinishReasonEmptyString, "placed", lambda *given: located.append(1) or place(*given))
    blank = _chunk({"content": "Hm."}).replace(b'"finish_reason":null', b'"finish_reason":""')
    said = _checked([b"data: " + blank + b"\n\n"] * 50, _REQUEST, Runs.OFF, True)
    assert "rule='finish-reason-empty-string'" in said
    assert "count=50" in said
    assert len(located) == 1


def test_a_string_may_not_reach_into_the_next_event():
    decoder = RunDecoder()
    first = b'data: {"a":"one"}\n\n'
    (opening, event) = StreamDecoder().feed(b": x\n\n" + first)
    template = template_of(event, Varying(TextKind.CONTENT, "a", 0))
    decoder.feed(opening.sse.raw + first)
    decoder.learn(template)
    joined = b'data: {"a":"one\\"}\n\n' + b'data: {"a":"two","b":"three"}\n\n'
    assert [one.raw for one in decoder.take(joined)] == [
        b'data: {"a":"one\\"}\n\n',
        b'data: {"a":"two","b":"three"}\n\n',
    ]
