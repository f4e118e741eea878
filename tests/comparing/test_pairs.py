"""What a comparison states of real gateways, read by hand on both sides, and of pairs like them made here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.comparing.comparison import Blame, Comparison, Kind
from streamlab.comparing.hops import compare_exchanges
from streamlab.exchange import Ending, Exchange, Request
from streamlab.rules.finding import Severity
from streamlab.storage.exchange_dir import read_exchange_dir
from tests import corpus, messages, streams

HOME = corpus.CORPUS / "reports" / "pairs"
#: Of each pair: who did it, what stands in the verdict, and every difference that is more than information.
STATED = {
    "delayed-wrong-evidence": (Blame.B, "added 552 ms to the first event", {Kind.DELAYED}),
    "false-blame-silent-empty": (Blame.A, "up sent it already (silent-empty-success)", set()),
    "false-blame-tool-name": (Blame.A, "up sent it already (messages-tool-name-not-in-tools)", set()),
    "false-error-added": (Blame.NOBODY, "reported the error in event 7 in its own words (overloaded_error:", set()),
    "false-repeated-block-stop": (Blame.BOTH, "19 input tokens became 27", {Kind.USAGE_CHANGED}),
    "false-text-added-gemini-args": (Blame.B, "usage-on-content-or-finish-chunk", set()),
    "gemini-malformed": (
        Blame.B,
        "changed finish_reason MALFORMED_FUNCTION_CALL to stop",
        {Kind.FINISH_REASON_CHANGED},
    ),
    "messages-mixed-args": (Blame.B, 'the arguments of get_weather ({"city":"Oslo"} became {})', {Kind.CALL_CHANGED}),
    "refusal-lost": (Blame.B, "lost 14 characters of the refusal", {Kind.TEXT_LOST}),
}


def _grave(found: Comparison) -> set[Kind]:
    return {one.kind for one in found.differences if one.severity is not Severity.INFO}


def _told(found: Comparison, kind: Kind) -> list[str]:
    return [one.message for one in found.differences if one.kind is kind]


@pytest.mark.parametrize("name", sorted(STATED))
def test_what_a_real_gateway_did_is_stated_and_nothing_else(name: str):
    found = compare_exchanges(*(read_exchange_dir(HOME / name / side) for side in ("upstream", "gateway")))
    origin, words, grave = STATED[name]
    assert found.verdict.origin is origin
    assert words in found.verdict.line
    assert _grave(found) == grave
    if name == "delayed-wrong-evidence":
        [late] = [one for one in found.differences if one.kind is Kind.DELAYED]
        assert [(pair.a.event, pair.b.event) for pair in late.pairs if pair.a and pair.b] == [(0, 0)]
        assert 'asked with `stream_options: {"include_usage": true}` of its own' in _told(found, Kind.REQUEST_CHANGED)


REAL = sorted(path.parent for path in (corpus.CORPUS / "real").glob("*/labels.json"))


@pytest.mark.parametrize("folder", REAL, ids=lambda path: path.name)
def test_what_was_recorded_of_real_servers_is_stated_as_it_was_read(folder: Path):
    found = compare_exchanges(*(read_exchange_dir(folder / side) for side in ("upstream", "gateway")))
    verdict = found.verdict
    assert {
        "origin": str(verdict.origin),
        "did": sorted(_grave(found)),
        "introduced": sorted(verdict.introduced),
        "passed_on": sorted(verdict.passed_on),
    } == corpus.labels(folder)


# -- pairs like them ---------------------------------------------------------------------------------------------------


def _gemini(*candidates: dict, **more) -> Exchange:
    body = b"".join(streams.frame({"candidates": [one], "responseId": "r1"}) for one in candidates)
    request = Request("POST", "http://x/v1beta/models/g:streamGenerateContent?alt=sse", (), b'{"contents":[]}')
    return replace(streams.exchange(body), request=request, **more)


def _part(text: str, **more) -> dict:
    return {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}


def _chat(*pieces: str, finish: str = "stop", done: bool = True) -> Exchange:
    return streams.exchange(streams.sse(streams.chat_text(*pieces, finish=finish), done=done))


@pytest.mark.parametrize(
    ("word", "became", "told"),
    [
        ("MALFORMED_FUNCTION_CALL", "stop", "changed finish_reason MALFORMED_FUNCTION_CALL to stop in event 1"),
        ("UNEXPECTED_TOOL_CALL", "stop", "changed finish_reason UNEXPECTED_TOOL_CALL to stop in event 1"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call", None),
        ("MALFORMED_FUNCTION_CALL", "error", None),
        ("STOP", "stop", None),
        ("SAFETY", "content_filter", None),
        ("SAFETY", "stop", "changed finish_reason content_filter to stop in event 1"),
    ],
)
def test_how_an_answer_ended_is_compared_in_the_words_of_both(word: str, became: str, told: str | None):
    a = _gemini(_part("Hi"), {"content": {}, "finishReason": word, "index": 0})
    found = compare_exchanges(a, _chat("Hi", finish=became))
    assert _told(found, Kind.FINISH_REASON_CHANGED) == ([told] if told else [])
    assert not {Kind.ERROR_SWALLOWED, Kind.ERROR_ADDED} & {one.kind for one in found.differences}


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
BROKEN = [*messages.text()[:4], ERROR]


def test_an_error_that_was_translated_is_reported_neither_added_nor_swallowed():
    a = messages.exchange(messages.sse(BROKEN))
    text = [one["delta"]["text"] for one in BROKEN if one["type"] == "content_block_delta"]
    chunks = streams.chat_text(*text)[: len(text) + 1]
    told = streams.frame({"error": {"message": "busy", "type": "server_error", "param": None, "code": None}})
    found = compare_exchanges(a, streams.exchange(streams.sse(chunks, done=False) + told))
    assert _grave(found) == set()
    assert _told(found, Kind.ERROR_REPORTED) == [
        f"reported the error in event {len(BROKEN) - 1} in its own words "
        "(overloaded_error: Overloaded became server_error: busy)"
    ]
    swallowed = compare_exchanges(a, streams.exchange(streams.sse(chunks, done=False)))
    assert _told(swallowed, Kind.ERROR_SWALLOWED)[0].startswith(f"swallowed the error in event {len(BROKEN) - 1} (")
    assert Kind.ERROR_SWALLOWED in _grave(swallowed)
    made_well = compare_exchanges(a, _chat(*text))
    assert {Kind.ERROR_SWALLOWED, Kind.FINISH_REASON_CHANGED} <= _grave(made_well)


def test_a_chat_error_in_other_words_is_reported():
    payloads = streams.chat_text()[:3]
    errors = [{"error": {"message": word, "type": "server_error"}} for word in ("overloaded", "upstream: overloaded")]
    a, b = (streams.exchange(streams.sse([*payloads, one], done=False)) for one in errors)
    [told] = compare_exchanges(a, b).differences
    assert (told.kind, told.severity) == (Kind.ERROR_REPORTED, Severity.INFO)


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.UPSTREAM_CUT])
def test_a_cut_made_whole_is_one_error_whether_or_not_it_was_clean(ending: Ending):
    pieces = streams.chat_text()
    cut = streams.exchange(streams.sse(pieces[:-1], done=False), ending=ending)
    found = compare_exchanges(cut, streams.exchange(streams.sse(pieces)))
    how = "ended without an end to its answer" if ending is Ending.COMPLETE else "broke off (upstream-cut)"
    assert [(one.kind, one.severity, one.message) for one in found.differences] == [
        (
            Kind.CUT_MASKED,
            Severity.ERROR,
            f"hid that the stream {how}: finish_reason stop and [DONE] are its own",
        )
    ]
    assert found.verdict.origin is Blame.A
    assert "B hid that the stream" in found.verdict.line


def test_a_cut_of_a_foreign_stream_made_whole_is_one_error():
    events = messages.text("Spring", " is", " here.")[:5]
    text = [one["delta"]["text"] for one in events if one["type"] == "content_block_delta"]
    found = compare_exchanges(messages.exchange(messages.sse(events)), _chat(*text))
    assert _grave(found) == {Kind.CUT_MASKED}
    assert "finish_reason stop" in _told(found, Kind.CUT_MASKED)[0]


def test_a_server_that_never_finishes_but_says_done_was_not_cut():
    pieces = streams.chat_text()
    a = streams.exchange(streams.sse(pieces[:-1]))
    assert Kind.CUT_MASKED not in _grave(compare_exchanges(a, streams.exchange(streams.sse(pieces))))


def _offering(name: str) -> Request:
    asked = streams.request_for()
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}]
    return replace(asked, body=json.dumps({**json.loads(asked.body or b""), "tools": tools}).encode())


def test_a_name_that_the_request_does_not_offer_is_the_models_unless_the_tools_were_changed():
    body = streams.sse(streams.chat_tool(name="list_files"))
    offered = _offering("get_weather")
    other = _offering("list_files")
    same = compare_exchanges(streams.exchange(body, request=offered), streams.exchange(body, request=offered))
    assert same.verdict.origin is Blame.A
    renamed = compare_exchanges(streams.exchange(body, request=other), streams.exchange(body, request=offered))
    assert renamed.verdict.introduced == ("tool-call-name-not-in-tools",)
    assert renamed.verdict.origin is Blame.B
    call = {"functionCall": {"name": "list_files", "args": {}}}
    a = _gemini({"content": {"parts": [call]}, "finishReason": "STOP", "index": 0})
    declared = {"contents": [], "tools": [{"functionDeclarations": [{"name": "get_weather"}]}]}
    a = replace(a, request=replace(a.request, body=json.dumps(declared).encode()))
    found = compare_exchanges(a, streams.exchange(body.replace(rb"{\"city\":\"Paris\"}", b"{}"), request=offered))
    assert "tool-call-name-not-in-tools" not in found.verdict.introduced


def test_an_answer_that_the_gateway_emptied_is_its_doing():
    a = _chat("Hello")
    b = streams.exchange(streams.sse([streams.chat_text("x")[0], streams.chat_text("x")[-1]]))
    found = compare_exchanges(a, b)
    assert "silent-empty-success" in found.verdict.introduced
    assert found.verdict.origin is Blame.B


def test_what_a_gateway_asks_for_in_place_of_its_client_is_told():
    asked = streams.request_for()
    body = json.loads(asked.body or b"")
    more = {**body, "stream_options": {"include_usage": True}, "temperature": 0.2, "model": "other"}
    less = {**body, "stop": ["END"], "temperature": 1}
    a, b = (replace(asked, body=json.dumps(one).encode()) for one in (more, less))
    whole = streams.sse(streams.chat_text())
    found = compare_exchanges(streams.exchange(whole, request=a), streams.exchange(whole, request=b))
    assert sorted(_told(found, Kind.REQUEST_CHANGED)) == [
        'asked with `stream_options: {"include_usage": true}` of its own',
        "asked with `temperature: 0.2` in place of 1",
        'left out `stop: ["END"]`',
    ]
    assert found.verdict.origin is Blame.NOBODY
    alike = {**less, "stop": "END", "temperature": 1.0, "seed": None}
    c = replace(asked, body=json.dumps(alike).encode())
    same = compare_exchanges(streams.exchange(whole, request=c), streams.exchange(whole, request=b))
    assert _told(same, Kind.REQUEST_CHANGED) == []


def test_two_blocks_that_end_are_no_repetition():
    a = streams.exchange(streams.sse(streams.chat_tools()))
    found = compare_exchanges(a, messages.exchange(messages.sse(messages.tools())))
    assert Kind.EVENT_REPEATED not in {one.kind for one in found.differences}
