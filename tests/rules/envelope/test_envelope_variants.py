"""What a fixture pair cannot show: every spelling of a broken envelope, and the chunks that owe none."""

from __future__ import annotations

import json

import pytest

from streamlab.exchange import Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests.streams import chat_text, chat_usage, chunk, exchange, request_for, sse

PREAMBLE = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
TAIL = {
    "choices": [{"content_filter_offsets": {}, "content_filter_results": {}, "finish_reason": None, "index": 0}],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
}
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def findings(payloads, **asked):
    report = analyze(exchange(sse(payloads), request=request_for(**asked)))
    return {finding.rule: finding for finding in report.findings}


def chunks_of(body):
    lines = (line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith("data: {"))
    return [json.loads(line) for line in lines]


def every(**members):
    return [{**payload, **members} for payload in chat_text()]


def without(key):
    return [{name: value for name, value in payload.items() if name != key} for payload in chat_text()]


@pytest.mark.parametrize(
    ("payloads", "rule", "severity", "says"),
    [
        (without("id"), "chunk-id-missing-or-empty", WARNING, "absent in every chunk"),
        (every(id=None), "chunk-id-missing-or-empty", WARNING, "in every chunk"),
        (every(id=7), "chunk-id-missing-or-empty", ERROR, "7 in every chunk"),
        ([*every(id="")[:2], *chat_text()[2:]], "chunk-id-missing-or-empty", WARNING, "in 2 of 6 chunks"),
        (every(id="chat"), "chunk-id-not-unique", INFO, "'chat'"),
        (without("object"), "object-wrong", ERROR, "absent in every chunk"),
        (every(object=""), "object-wrong", ERROR, "''"),
        (every(object="text_completion"), "object-wrong", ERROR, "'text_completion'"),
        ([*chat_text()[:-1], chunk({}, "stop", object="chat.completion")], "object-wrong", ERROR, "in 1 of 6 chunks"),
        (without("created"), "created-wrong-type", WARNING, "absent"),
        (every(created=None), "created-wrong-type", WARNING, "null"),
        (every(created="1741570283"), "created-wrong-type", ERROR, "no integer"),
        (every(created="2026-11-20T10:00:00Z"), "created-wrong-type", ERROR, "no integer"),
        (every(created=True), "created-wrong-type", ERROR, "no integer"),
        (every(created=1741570283.5), "created-wrong-type", WARNING, "no integer"),
        (every(created=1741570283000), "created-wrong-type", WARNING, "milliseconds"),
        (every(created=10**400), "created-wrong-type", WARNING, "milliseconds"),
        (
            [{**p, "created": 1744738127478 + 999 * n} for n, p in enumerate(chat_text())],
            "created-wrong-type",
            WARNING,
            "created is milliseconds or finer in every chunk, from 1744738127478 to 1744738132473",
        ),
        (
            [*chat_text()[:-2], *every(created=1744738127478)[-2:-1], *every(created=1744738127479)[-1:]],
            "created-wrong-type",
            WARNING,
            "created is milliseconds or finer in 2 of 6 chunks, from 1744738127478 to 1744738127479",
        ),
        (
            [*every(created=None)[:-1], *every(created="now")[-1:]],
            "created-wrong-type",
            ERROR,
            "created is null, later 'now', in every chunk",
        ),
        (
            [*without("object")[:-1], *every(object="chat.completion.done")[-1:]],
            "object-wrong",
            ERROR,
            "object is absent, later 'chat.completion.done', in every chunk",
        ),
        (
            [{**p, "id": n} for n, p in enumerate(chat_text())],
            "chunk-id-missing-or-empty",
            ERROR,
            "chunk id is 0, later 5, in every chunk",
        ),
        (
            [*every(model=None)[:-1], *every(model="")[-1:]],
            "model-missing-or-changes",
            WARNING,
            "model is null, later '', in every chunk",
        ),
        (every(created=0), "created-wrong-type", INFO, "0 in every chunk"),
        ([{**p, "created": 1700000000 + n} for n, p in enumerate(chat_text())], "created-wrong-type", INFO, "ticks on"),
        (
            [{**p, "created": 1700000000 - (n > 3)} for n, p in enumerate(chat_text())],
            "created-wrong-type",
            INFO,
            "ticks back from 1700000000 to 1699999999",
        ),
        (
            [{**p, "created": 1700000000 + (n > 1) + 9999 * (n > 3)} for n, p in enumerate(chat_text())],
            "created-wrong-type",
            WARNING,
            "jumps from 1700000001 to 1700010000",
        ),
        ([*chat_text()[:3], *every(created=1700000000)[3:]], "created-wrong-type", WARNING, "jumps from"),
        (without("model"), "model-missing-or-changes", WARNING, "absent"),
        (every(model=""), "model-missing-or-changes", WARNING, "''"),
        ([chunk({"role": "assistant"}, model=""), *chat_text()[1:]], "model-missing-or-changes", WARNING, "1 of 6"),
        ([*chat_text()[:3], *every(model="other")[3:]], "model-missing-or-changes", WARNING, "to 'other'"),
        (every(choices=None), "choices-missing-or-null", ERROR, "6 chunks"),
        ([*chat_text(), {"text": "the whole answer"}], "choices-missing-or-null", ERROR, "no choices"),
        ([*chat_text()[:2], chunk(choices=[]), *chat_text()[2:]], "choices-empty-non-usage", INFO, "not the usage"),
        (every(service_tier=["x"]), "service-tier-unknown", WARNING, '["x"]'),
        (every(p="abcdef"), "obfuscation-present", INFO, "'p'"),
    ],
)
def test_variant(payloads, rule, severity, says):
    found = findings(payloads)
    assert found[rule].severity is severity
    assert says in found[rule].message


def test_chunks_of_the_content_filter_owe_no_envelope():
    found = findings([PREAMBLE, *chat_text(), TAIL])
    assert set(found) == {"choices-empty-non-usage", "azure-async-filter-tail"}


@pytest.mark.parametrize(
    "foreign",
    [
        {"object": "error", "message": "boom", "code": 500},
        {
            "id": "x",
            "choices": None,
            "created": 1,
            "object": "",
            "base_resp": {"status_code": 1008, "status_msg": "no"},
        },
        {"detail": "boom"},
        {"type": "ping"},
    ],
)
def test_an_object_that_is_no_chunk_has_its_own_rule(foreign):
    found = findings([*chat_text()[:2], foreign, *chat_text()[2:]])
    assert not {"choices-missing-or-null", "chunk-id-changes", "object-wrong", "model-missing-or-changes"} & set(found)


def test_a_finding_made_at_the_end_points_at_its_place():
    bad = [*chat_usage()[:3], *({**payload, "id": ""} for payload in chat_usage()[3:])]
    finding = findings(bad, usage=True)["chunk-id-missing-or-empty"]
    body = sse(bad)
    start, end = finding.span
    assert (finding.event, body[start:end]) == (3, b'"id":""')
    assert finding.offset_us == 200_000 + 3 * 30_000


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("req_REDACTED_1", "3a9866bb-a8f8", False),
        ("3a9866bb-a8f8", "req_REDACTED_1", False),
        ("req_REDACTED_1", "req_REDACTED_2", True),
        ("3a9866bb-a8f8", "7c1f66bb-a8f8", True),
    ],
)
def test_no_server_changed_an_id_that_a_recorder_replaced(before, after, told):
    first, *rest = chat_text("One", " two", " three")
    payloads = [first | {"id": before}, *(one | {"id": after} for one in rest)]
    assert ("chunk-id-changes" in findings(payloads)) is told


@pytest.mark.parametrize(
    ("ids", "mended"),
    [
        (("req_REDACTED_1", "3a98"), ("req_REDACTED_1", "3a98")),
        (("3a98", "req_REDACTED_1"), ("3a98", "req_REDACTED_1")),
        (("req_REDACTED_1", "3a98", "7c1f"), ("req_REDACTED_1", "3a98", "3a98")),
        (("3a98", "req_REDACTED_1", "7c1f"), ("3a98", "req_REDACTED_1", "3a98")),
        (("req_REDACTED_1", "req_REDACTED_2"), ("req_REDACTED_1", "req_REDACTED_1")),
    ],
)
def test_no_id_gives_way_to_a_recorders_or_the_other_way_round(ids, mended):
    padded = [*ids, *[ids[-1]] * 9]
    payloads = [{**one, "id": given} for one, given in zip(chat_text(), padded, strict=False)]
    repaired = normalize(exchange(sse(payloads)))
    out = [one["id"] for one in chunks_of(repaired.exchange.body)]
    assert tuple(out[: len(ids)]) == mended
    assert ("chunk-id-changes" in repaired.changes) is ("chunk-id-changes" in findings(payloads))


LACKING = {key: value for key, value in PREAMBLE.items() if key != "object"}


@pytest.mark.parametrize(
    ("first", "payloads", "told"),
    [
        (LACKING, without("object"), (1, ERROR, "in every chunk")),
        (LACKING, chat_text(), (0, WARNING, "in 1 of 7 chunks")),
        (PREAMBLE, without("object"), (1, ERROR, "in every chunk")),
        (PREAMBLE, chat_text(), None),
    ],
)
def test_the_content_filters_chunk_may_have_an_empty_object_and_not_none(first, payloads, told):
    one = findings([first, *payloads]).get("object-wrong")
    assert (one and (one.event, one.severity, one.message.split("absent ")[-1])) == told
    repaired = normalize(exchange(sse([first, *payloads])))
    assert chunks_of(repaired.exchange.body)[0].get("object") == ""
    assert "object-wrong" not in {found.rule for found in analyze(repaired.exchange).findings}
    assert ("object-wrong" in repaired.changes) is (told is not None)


@pytest.mark.parametrize(
    ("payloads", "told"),
    [(without("object"), ("chat.completion.chunk", "(absent)")), (chat_text(), ('""', "(absent)"))],
)
def test_the_constant_is_asked_of_the_first_chunk_that_should_have_it(payloads, told):
    """Of the content filter's, Azure's empty text is."""
    one = findings([LACKING, *payloads])["object-wrong"]
    assert (one.expected, one.actual) == told


_REDACTED = {"id": "chatcmpl-REDACTED_1", "created": 0}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({0: _REDACTED, 5: {"created": 0}}, None),  # perplexity 2604d44c: the last chunk has an id of its own
        ({0: {"created": 0}, 5: _REDACTED}, None),
        ({0: {"created": 0}, 5: {"created": 0}}, (0, "created is 0 in 2 of 6 chunks")),
        ({0: {"created": "1"}, 5: _REDACTED}, (0, "created is '1', no integer, in 1 of 5 chunks")),
    ],
)
def test_a_time_that_a_recorder_took_out_is_not_judged_wherever_it_stands(changes, told):
    payloads = [{**one, **changes.get(at, {})} for at, one in enumerate(chat_text())]
    one = findings(payloads).get("created-wrong-type")
    assert (one and (one.event, one.message)) == told


def test_who_breaks_on_a_wrong_object_does_not_on_the_content_filters_alone():
    assert findings([LACKING, *chat_text()])["object-wrong"].variants == ()
    last = [*chat_text()[:-1], chunk({}, "stop", object="chat.completion")]
    assert findings([LACKING, *last])["object-wrong"].variants == ("in the finish chunk alone",)


@pytest.mark.parametrize(("path", "own"), [("chat/completions", "text"), ("completions", "delta")])
def test_what_is_no_field_depends_on_the_api(path, own):
    choice = {
        "index": 0,
        "text": "a",
        "delta": {"content": "a", "token_id": 3},
        "logprobs": None,
        "finish_reason": None,
    }
    request = Request("POST", f"http://localhost/v1/{path}", (), b'{"stream":true}')
    one = exchange(sse([chunk(choices=[choice])]), request=request)
    told = {finding.path for finding in analyze(one).findings if finding.rule == "unknown-extension-fields"}
    assert f"choices[0].{own}" in told
    assert not told & {"choices[0].text", "choices[0].delta"} - {f"choices[0].{own}"}


@pytest.mark.parametrize(
    ("made_up", "told"), [("chatcmpl-REDACTED_1", False), ("ID_REDACTED", False), ("chatcmpl-9HpbaAXyt0cAnl", True)]
)
def test_no_server_sent_the_0_that_a_recorder_wrote_beside_the_id(made_up, told):
    assert ("created-wrong-type" in findings(every(id=made_up, created=0))) is told
    assert "created-wrong-type" in findings(every(id=made_up, created=""))
