"""Where usage may stand, and numbers that only look wrong."""

from __future__ import annotations

import copy

import pytest

from streamlab.exchange import Ending, Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import Chunk
from streamlab.wire.stream import StreamDecoder
from tests.streams import USAGE, chat_text, chat_usage, chunk, exchange, frame, request_for, sse

ASKED = request_for(usage=True)
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def usage_findings(payloads, request=ASKED, **options):
    body = payloads if isinstance(payloads, bytes) else sse(payloads)
    report = analyze(exchange(body, request=request, **options))
    return {finding.rule: finding.severity for finding in report.findings if finding.rule.startswith("usage-")}


def with_usage(usage):
    return [*chat_usage()[:-1], chunk(choices=[], usage=usage)]


@pytest.mark.parametrize(
    ("payloads", "event"),
    [
        ([*chat_text()[:-1], {**chat_text()[-1], "usage": USAGE}, chat_usage()[-1]], 5),
        ([*chat_usage(), chunk(choices=[], usage=USAGE)], 7),  # the one before is where OpenAI has it
        ([{**payload, "usage": USAGE} for payload in chat_text()], 0),
        ([chunk(choices=[], usage=USAGE), *chat_usage()], 0),
    ],
)
def test_the_first_chunk_that_should_have_no_usage_is_shown(payloads, event):
    [found] = [one for one in analyze(exchange(sse(payloads))).findings if one.rule == "usage-on-every-chunk"]
    assert found.event == event


def changed(**members):
    return with_usage({**copy.deepcopy(USAGE), **members})


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        (changed(total_tokens=20), {"usage-inconsistent": WARNING}),
        (changed(prompt_tokens="12"), {"usage-inconsistent": ERROR}),
        (changed(prompt_tokens=12.0), {"usage-inconsistent": ERROR}),
        (changed(completion_tokens=None), {"usage-inconsistent": ERROR}),
        (changed(completion_tokens=-4, total_tokens=8), {"usage-inconsistent": WARNING}),
        (changed(completion_tokens_details={"reasoning_tokens": 5}), {"usage-inconsistent": WARNING}),
        (
            changed(total_tokens=116, completion_tokens_details={"reasoning_tokens": 100}),
            {"usage-inconsistent": WARNING},
        ),
        (with_usage({"prompt_tokens": 12, "completion_tokens": 4}), {"usage-inconsistent": WARNING}),
        (with_usage({"input_tokens": 12, "output_tokens": 4}), {"usage-inconsistent": WARNING}),
        (with_usage({}), {"usage-inconsistent": WARNING}),
        (with_usage([1]), {"usage-inconsistent": ERROR}),
        (changed(completion_tokens_details=None), {"usage-inconsistent": INFO}),
        (
            changed(completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": None}),
            {"usage-inconsistent": INFO},
        ),
        (changed(completion_tokens_details={}), {}),
        (changed(completion_tokens_details=[]), {"usage-inconsistent": WARNING}),
        (with_usage({"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16, "queue_time": 0.1}), {}),
        ([{**payload, "usage": ZERO} for payload in chat_text()], {"usage-on-every-chunk": ERROR}),
        ([*chat_usage(), chunk(choices=[], usage=USAGE)], {"usage-on-every-chunk": ERROR}),
        (
            [*({**payload, "usage": ZERO} for payload in chat_usage()[:-1]), chat_usage()[-1]],
            {"usage-on-every-chunk": WARNING},  # any sum of these is right
        ),
        ([*chat_usage(), chunk(choices=[])], {"usage-order": WARNING}),
        ([*chat_usage(), chunk({"audio": {"expires_at": 1}}, usage=None)], {}),
        (sse(chat_usage()[:-1]) + frame(chat_usage()[-1]), {"usage-order": WARNING}),
        ([*chat_usage()[:-1], chunk({"content": ""}, usage=USAGE)], {"usage-on-content-or-finish-chunk": WARNING}),
        ([*chat_usage()[:-1], {**chunk(usage=USAGE), "choices": None}], {"usage-chunk-choices-null": ERROR}),
        (
            [*chat_text()[:-1], chunk({}, "stop", x_groq={"id": "r", "usage": USAGE})],
            {"usage-in-choice": WARNING},
        ),
        (with_usage(None), {"usage-missing-when-requested": WARNING}),
    ],
)
def test_variant(payloads, expected):
    assert usage_findings(payloads) == expected


def test_missing_choices_key_of_the_usage_chunk_is_told_once():
    payloads = [*chat_usage()[:-1], {key: value for key, value in chat_usage()[-1].items() if key != "choices"}]
    report = analyze(exchange(sse(payloads), request=ASKED))
    assert [finding.rule for finding in report.findings] == ["usage-chunk-choices-null"]


@pytest.mark.parametrize(
    ("body", "request_", "ending"),
    [
        (sse(chat_text()[:3], done=False), ASKED, Ending.UPSTREAM_CUT),
        (sse(chat_text()[:3], done=False), ASKED, Ending.COMPLETE),
        (sse([*chat_text()[:3], {"error": {"message": "boom"}}]), ASKED, Ending.COMPLETE),
        (sse(chat_text()), request_for(), Ending.COMPLETE),
        (sse(chat_text()), Request("POST", "/v1/chat/completions"), Ending.COMPLETE),
        (sse(chat_usage()), Request("POST", "/v1/chat/completions"), Ending.COMPLETE),
    ],
)
def test_what_was_not_asked_or_could_not_come_is_not_missed(body, request_, ending):
    assert usage_findings(body, request_, ending=ending) == {}


@pytest.mark.parametrize("where", ["completion_tokens_details", "top"])
def test_reasoning_counted_beside_the_completion_goes_into_it_and_the_total_stays(where):
    reasoning = {"reasoning_tokens": 100}
    members = reasoning if where == "top" else {where: reasoning}
    came = exchange(sse(changed(total_tokens=116, **members)), request=ASKED)
    assert [one.message for one in analyze(came).findings] == [
        "total_tokens is 116, not 12 + 4: 100 reasoning tokens are counted beside the completion"
    ]
    [*_, usage] = _usages(normalize(came).exchange.body)
    assert (usage["completion_tokens"], usage["total_tokens"]) == (104, 116)


def _usages(body):
    decoder = StreamDecoder()
    return [one.json["usage"] for one in decoder.feed(body) if isinstance(one, Chunk) and one.json.get("usage")]


@pytest.mark.parametrize("last", [USAGE, None, {**USAGE, "total_tokens": None}])
def test_a_null_is_mended_where_later_usage_has_the_number(last):
    """The verdict is what repair does: the last usage is kept, and nothing but usage says a number."""
    open_ = {"prompt_tokens": USAGE["prompt_tokens"], "completion_tokens": None, "total_tokens": None}
    payloads = [
        *(one | {"usage": open_} for one in chat_text("Hi", "!")),
        *([chunk(choices=[], usage=last)] * bool(last)),
    ]
    stream = exchange(sse(payloads), request=ASKED)
    report, after = analyze(stream), analyze(normalize(stream).exchange)
    told = {one.path: one for one in report.findings if one.rule == "usage-inconsistent"}
    left = {one.path for one in after.findings if one.rule == "usage-inconsistent"}
    assert {path for path, one in told.items() if one.repairability is Repairability.NONE} == left
    assert told["usage.completion_tokens"].count == 4
    assert told["usage.completion_tokens"].events == (0, 1, 2, 3)
    assert (left == set()) is (last is not None)


def test_reasoning_counted_beside_the_completion_keeps_the_total():
    usage = {"prompt_tokens": 20, "completion_tokens": 22, "total_tokens": 177, "reasoning_tokens": 135}
    held = analyze(normalize(exchange(sse(with_usage(usage)), request=ASKED)).exchange).completion["usage"]
    assert (held["completion_tokens"], held["total_tokens"]) == (157, 177)


@pytest.mark.parametrize("value", [None, "17", 17.0])
def test_a_count_that_is_no_integer_is_shown_beside_what_it_should_be(value):
    report = analyze(exchange(sse(with_usage({**USAGE, "total_tokens": value})), request=ASKED))
    [finding] = [one for one in report.findings if one.rule == "usage-inconsistent"]
    assert (finding.expected, finding.actual) == ("an integer", value)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ASKED, '"choices": []'),
        (Request("POST", "/v1/chat/completions"), '"choices": []'),
        (request_for(), 'none unasked, else "choices": []'),
    ],
    ids=["asked", "unknown", "unasked"],
)
def test_what_openai_sends_in_place_of_usage_on_the_finish_chunk_hangs_on_what_was_asked(request_, expected):
    came = exchange(sse([*chat_text()[:-1], {**chat_text()[-1], "usage": USAGE}]), request=request_)
    [found] = [one for one in analyze(came).findings if one.rule == "usage-on-content-or-finish-chunk"]
    assert found.expected == expected


def test_usage_goes_behind_what_a_vendor_tells_but_moderation():
    told = [*chat_usage(), chunk(choices=[], cost="0")]
    mended = normalize(exchange(sse(told), request=ASKED)).exchange
    assert mended.body == sse([*told[:-2], told[-1], told[-2]])
    assert normalize(mended).exchange.body == mended.body
    lawful = exchange(sse([*chat_usage(), chunk(choices=[], moderation={"flagged": False})]), request=ASKED)
    assert normalize(lawful).exchange.body == lawful.body
