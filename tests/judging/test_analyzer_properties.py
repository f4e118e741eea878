"""Laws of the analyzer: it takes anything, and says the same however the bytes were cut."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis import APIS, api_named
from streamlab.apis.registry import all_rules
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import Analyzer, analyze
from streamlab.judging.report import Report
from streamlab.rules.base import Rule
from streamlab.rules.finding import Severity
from streamlab.wire.events import Chunk
from streamlab.wire.reading import FactReader
from tests import corpus
from tests.examples import examples
from tests.memory import traced
from tests.streams import chat_text, chat_tool, chat_tools, chat_usage, dump, exchange, frame, request_for, sse
from tests.wire.json_values import anything, chunks

_BENT = [
    b"\r", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"data:", b"Data: ", b": ping\n\n", b"event: ping\n", b"id: 7\n",
    b"\x00", b"\xff", b"\xf0\x9f", b"[DONE]", b"{", b'"', b'{"error":"x"}', b"{}\n", b"\n\n",
]  # fmt: skip
_PARTS = st.sampled_from([frame(one) for one in (*chat_tools(), *chat_usage())] + _BENT) | st.binary(max_size=5)
bodies = st.lists(_PARTS, max_size=12).map(b"".join)
cuts = st.lists(st.integers(0, 200), max_size=12)
endings = st.sampled_from(list(Ending))
_NAMES = st.sampled_from(
    ["content-type", "content-encoding", "content-length", "transfer-encoding", "retry-after", "x-accel-buffering"]
)
_VALUES = st.text(max_size=8) | st.sampled_from(
    [
        "text/event-stream",
        "text/event-stream; charset=latin-1",
        "text/html",
        "application/json",
        "gzip",
        "br, gzip",
        "12",
    ]
)
heads = st.builds(
    ResponseHead,
    st.sampled_from([200, 204, 302, 404, 429, 500]) | st.integers(0, 999),
    st.lists(st.tuples(_NAMES | st.text(max_size=5), _VALUES), max_size=4).map(tuple),
    st.none() | st.integers(-5, 10**9),
)
requests = st.none() | st.builds(
    Request,
    st.sampled_from(["POST", "GET", ""]),
    st.sampled_from(["/v1/chat/completions", "/v1/responses", "/v1/completions", "/api/chat", "http://[", ""]),
    st.just(()),
    st.none() | st.binary(max_size=5) | st.dictionaries(
        st.sampled_from(["stream", "stream_options", "tools", "functions", "tool_choice", "n", "messages", "logprobs"]),
        anything,
        max_size=3,
    ).map(dump),
)  # fmt: skip


def report_of(
    body: bytes, lengths: list[int], ending: Ending, head: ResponseHead | None, request: Request | None, **kwargs
) -> Report:
    """The report of a bare body, cut into these lengths; when the bytes came is unknown."""
    analyzer, at = Analyzer(request, head, **kwargs), 0
    for length in lengths:
        analyzer.feed(None, body[at : at + length])
        at += length
    analyzer.feed(None, body[at:])
    return analyzer.finish(ending)


@given(bodies, cuts, endings, st.none() | heads, requests)
@settings(max_examples=examples(300), deadline=None)
def test_cuts_change_nothing(body, lengths, ending, head, request):
    whole = report_of(body, [], ending, head, request)
    for other in (lengths, [1] * len(body)):
        cut = report_of(body, other, ending, head, request)
        assert cut.findings == whole.findings
        assert repr(cut.completion) == repr(whole.completion)
        assert cut.api is whole.api


@given(bodies, cuts, endings, heads, requests)
@settings(max_examples=examples(200), deadline=None)
def test_takes_anything_that_came_when_it_came(body, lengths, ending, head, request):
    segments, at = [], 0
    for number, length in enumerate([*lengths, len(body)]):
        segments.append(Segment(number * 1_000, body[at : at + length]))
        at += length
    report = analyze(
        Exchange(request=request, head=head, segments=tuple(segments), ending=ending, end_us=1_000_000, notes={})
    )
    for finding in report.findings:
        start, end = finding.span or (0, 0)
        assert 0 <= start <= end <= len(body)
        assert "\n" not in finding.message
        assert finding.count >= 1
        json.dumps([finding.message, finding.path], ensure_ascii=True)


@given(
    st.lists(chunks | st.sampled_from([*chat_text(), *chat_tool()]), max_size=6), st.sampled_from(list(APIS)), requests
)
@settings(max_examples=examples(400), deadline=None)
def test_any_json_is_taken_by_every_rule(payloads, api, request):
    body = b"".join(frame(one) for one in payloads) + b"data: [DONE]\n\n"
    report_of(body, [], Ending.COMPLETE, None, request, api=api)


@given(chunks, st.lists(chunks, max_size=3))
@settings(max_examples=examples(150), deadline=None)
def test_what_rules_say_of_a_shape_depends_on_the_shape_alone(payload, before):
    """The same keys and types with other values: the analyzer repeats what was said of the first."""
    other = _other_values(payload)
    first, second = FactReader(), FactReader()
    first.read(payload)
    second.read(other)
    if not first.shape or first.shape != second.shape:
        return
    said = []
    for one in (payload, other):
        analyzer = Analyzer(api=api_named("chat.completions"))
        for earlier in before if one is payload else ():
            analyzer.feed(None, frame(earlier))
        rules = [rule(analyzer.ctx) for rule in all_rules() if rule.shape is not Rule.shape]
        said.append([(found.rule, found.path) for rule in rules for found in rule.shape(0, Chunk(None, one)) or ()])
    assert said[0] == said[1]


def _other_values(value, top: bool = True):
    """Strings and numbers changed, kinds and truth kept; below choices only, where nothing names a kind."""
    if isinstance(value, dict):
        kept = ("object", "type") if top else ()
        return {key: inner if key in kept else _other_values(inner, False) for key, inner in value.items()}
    if isinstance(value, list):
        return [_other_values(inner, False) for inner in value]
    if isinstance(value, str):
        return value + "z" if value else value
    return value + 1 if type(value) is int and value > 0 else value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"data: " + b"[" * 100_000 + b"\n\n", id="deep lists"),
        pytest.param(b"data: " + b'{"choices":' * 100_000 + b"\n\n", id="deep objects"),
        pytest.param(b'data: {"choices":[{"delta":' + b"[" * 150 + b"]" * 150 + b"}]}\n\n", id="deep delta"),
        pytest.param(b"data: x\n" * 20_000 + b"\n", id="many lines"),
        pytest.param(b"\n" * 100_000, id="blank lines"),
        pytest.param(b"data: \n\n" * 2_000, id="empty events"),
        pytest.param(b'data: {"a\n\n' * 300, id="torn events"),
        pytest.param(b'{"a":1}\n' * 5_000, id="bare lines"),
        pytest.param(b"".join(b'data: {"k%d":1}\n\n' % at for at in range(6_000)), id="new shapes"),
        pytest.param(b'data: {"n":' + b"9" * 100_000 + b"}\n\n", id="a huge number"),
    ],
)
def test_hostile_bodies_end(body):
    report = report_of(body, [], Ending.COMPLETE, None, None)
    assert len(report.findings) < 1_000


def test_spans_point_at_the_bytes_they_speak_of():
    role, *rest = chat_text()
    data = sse([role, {**rest[0], "id": "other"}, *rest[1:]])
    for finding in analyze(exchange(data)).findings:
        if finding.path == "id" and finding.span:
            assert data[slice(*finding.span)] == b'"id":"other"'


def test_the_gravest_of_findings_at_one_place_speaks_for_all():
    """What a rule says of the end comes after what it said of each event, and may be worse."""
    payloads = chat_tool('{"city":', '"Oslo"}')
    for at, payload in enumerate(payloads[:-1]):  # missing where it opens, information where it comes again
        payload["choices"][0]["delta"]["tool_calls"][0]["type"] = "function" if at else None
    [found] = [one for one in analyze(exchange(sse(payloads))).findings if one.rule == "tool-call-type-missing"]
    assert (found.severity, found.event, found.count) == (Severity.ERROR, 0, 3)
    assert found.events == (0, 1, 2)


def test_perfect_streams_have_no_finding_but_infos():
    for payloads, options in ((chat_text(), {}), (chat_tool(), {"tools": True}), (chat_tools(), {"tools": True})):
        report = analyze(exchange(sse(payloads), request=request_for(**options)))
        assert [one.message for one in report.findings if one.severity is not Severity.INFO] == []
    report = analyze(exchange(sse(chat_usage()), request=request_for(usage=True)))
    assert [one.message for one in report.findings if one.severity is not Severity.INFO] == []


def test_no_rule_is_asked_about_the_chunks_of_a_plain_stream():
    """What keeps the analyzer fast: once a stream runs evenly, an ordinary text chunk wakes no rule but these few."""
    asked: dict[str, int] = {}
    analyzer = Analyzer(
        request_for(), ResponseHead(200, (("content-type", "text/event-stream"),), 0), timing_known=True
    )
    role, *words = [frame(one) for one in chat_text(*[f"word{at} " for at in range(50)])][:-1]
    for at, event in enumerate([role, *words[:10]]):
        analyzer.feed(at, event)
    table = analyzer._table
    hooks_for = table.for_event

    def counting(facts):
        for rule in table._made.values():
            if rule.asks & facts and not rule.retired:
                asked[rule.name] = asked.get(rule.name, 0) + 1
        return hooks_for(facts)

    table.for_event = counting
    for at, event in enumerate(words[10:]):
        analyzer.feed(at, event)
    analyzer.catch_up()
    assert analyzer.ctx.seen.events == len(words) + 1
    assert len(asked) <= 6, asked


@pytest.mark.parametrize("directory", corpus.directories("scenarios")[::6], ids=lambda path: path.name)
def test_cuts_change_nothing_in_the_corpus(directory):
    exchange_ = corpus.load(directory)
    body = exchange_.body
    whole = report_of(body, [], exchange_.ending, exchange_.head, exchange_.request)
    cut = report_of(body, [1] * len(body), exchange_.ending, exchange_.head, exchange_.request)
    assert cut.findings == whole.findings


def test_a_compressed_read_is_never_held_whole():
    event = frame(chat_text()[1])
    body = gzip.compress(event * (4_000_000 // len(event)))
    head = ResponseHead(200, (("content-type", "text/event-stream"), ("content-encoding", "gzip")), 1)
    Analyzer(request_for(), head).feed(1, gzip.compress(event * 1000))  # what is loaded once does not count
    analyzer = Analyzer(request_for(), head)
    with traced():
        analyzer.feed(1, body)
        peak = tracemalloc.get_traced_memory()[1]
    assert analyzer.finish().metrics.events == 4_000_000 // len(event)
    assert peak < 3_000_000, peak
