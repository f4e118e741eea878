"""The normalizer piece by piece: seed systems, heads, whole answers, hold-back, and what it must never do."""

from __future__ import annotations

import json

import pytest

from streamlab.apis import api_named
from streamlab.apis.responses.expectations import TERMINAL
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, normalize
from streamlab.report.blame import summary_lines
from tests import corpus, streams

LF = b"\n\n"


def chunks(body: bytes) -> list[dict]:
    """The JSON payloads of a body."""
    return [json.loads(part[6:]) for part in body.split(LF) if part.startswith(b"data: {")]


def repair(body: bytes, ending: Ending = Ending.COMPLETE, **asked) -> bytes:
    """The mended bytes of a body whose request is known."""
    normalizer = Normalizer(streams.request_for(**asked))
    return normalizer.feed(body) + normalizer.finish(ending)


def completion(body: bytes) -> dict:
    return analyze(streams.exchange([body], request=streams.request_for(tools=True))).completion


# -- GLM-4 -----------------------------------------------------------------------------------------------------------

STEMS = streams.chat_text("\nSpring came,", " at", " last.", "\n\n")[:-1]
ANSWER = "\nSpring came, at last.\n\nFirst the flowers.\nThen the birds."


def raw(text: str) -> bytes:
    """Text as one event of several data lines."""
    return b"".join(b"data: " + line.encode() + b"\n" for line in text.split("\n")) + b"\n"


def test_the_rest_of_an_answer_sent_as_raw_text_becomes_content():
    said = completion(repair(streams.sse(STEMS, done=False) + raw(ANSWER)))
    assert said["content"] == ANSWER
    assert said["finish_reason"] == "stop"


def test_the_same_torn_into_events_by_a_gateway():
    torn = b"".join(b"data: " + line.encode() + LF for line in ANSWER.split("\n"))
    out = repair(streams.sse(STEMS, done=False) + torn)
    assert completion(out)["content"] == ANSWER
    assert out.endswith(b"data: [DONE]\n\n")


def test_raw_text_that_does_not_continue_the_answer_is_an_error():
    out = repair(streams.sse(STEMS, done=False) + raw("Something else\nentirely"))
    assert completion(out)["content"] == "\nSpring came, at last.\n\n"
    assert "Something else" in chunks(out)[-1]["error"]["message"]
    assert b"[DONE]" not in out


def test_a_raw_tool_call_is_one_only_when_the_request_offers_the_tool():
    stems = streams.chat_text("get_", "weather", "\n")[:-1]
    body = streams.sse(stems, done=False) + raw('get_weather\n{"city": "Oslo"}')
    call = completion(repair(body, tools=True))["tool_calls"][0]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Oslo"})
    assert call["id"].startswith("call_")
    assert completion(repair(body))["tool_calls"] == []


# -- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "ending", "code"),
    [
        (b"", Ending.COMPLETE, "empty_stream"),
        (b"data: [DONE]\n\n", Ending.COMPLETE, "empty_stream"),
        (b"<html><title>502</title></html>", Ending.COMPLETE, "upstream_invalid_response"),
        (b"", Ending.UPSTREAM_CUT, "upstream_truncated"),
        (streams.sse(STEMS, done=False), Ending.COMPLETE, "upstream_truncated"),
        (streams.sse(STEMS, done=False), Ending.UPSTREAM_CUT, "upstream_truncated"),
        (streams.sse(STEMS, done=False), Ending.TIMED_OUT, "upstream_truncated"),
        (streams.sse(STEMS, done=False) + b'data: {"id":"x","cho', Ending.UPSTREAM_CUT, "upstream_truncated"),
    ],
)
def test_a_missing_end_is_an_error_event(body, ending, code):
    out = repair(body, ending)
    assert chunks(out)[-1]["error"] | {"message": ""} == {
        "message": "",
        "type": "upstream_error",
        "param": None,
        "code": code,
    }
    assert b'"finish_reason":"' not in out
    assert (b"[DONE]" in out) == (b"[DONE]" in body)


def test_nobody_is_told_when_the_client_left():
    body = streams.sse(STEMS, done=False)
    assert repair(body, Ending.CLIENT_LEFT) == body


def test_done_is_added_only_when_every_choice_finished():
    assert repair(streams.sse(streams.chat_text(), done=False)).endswith(b"data: [DONE]\n\n")
    cut = repair(streams.sse(streams.chat_text(), done=False), Ending.UPSTREAM_CUT)
    assert b"[DONE]" not in cut


def test_a_finish_before_a_clean_done_is_invented_only_on_request():
    body = streams.sse(streams.chat_text()[:-1])
    assert repair(body) == body
    normalizer = Normalizer(streams.request_for(), unsafe=True)
    said = completion(normalizer.feed(body) + normalizer.finish())
    assert said["finish_reason"] == "stop"


def test_truncated_arguments_are_never_completed():
    payloads = streams.chat_tool('{"', "city", '":"')[:-1]
    out = repair(streams.sse([*payloads, streams.chunk({}, "length")]), tools=True)
    assert completion(out)["tool_calls"][0]["function"]["arguments"] == '{"city":"'
    assert completion(out)["finish_reason"] == "length"


def repair_responses(body, ending=Ending.COMPLETE):
    request = Request("POST", "/v1/responses", (), b'{"stream":true,"model":"m","input":"x"}')
    normalizer = Normalizer(request)
    return normalizer.feed(body) + normalizer.finish(ending)


HALF_RESPONSE = streams.responses_sse(streams.responses_text("half", " an")[:6])


@pytest.mark.parametrize(
    ("body", "ending", "code", "number"),
    [
        (b"", Ending.COMPLETE, "empty_stream", 0),
        (b"<html><title>502</title></html>", Ending.COMPLETE, "upstream_invalid_response", 0),
        (b"", Ending.UPSTREAM_CUT, "upstream_truncated", 0),
        (HALF_RESPONSE, Ending.COMPLETE, "upstream_truncated", 6),
        (HALF_RESPONSE, Ending.UPSTREAM_CUT, "upstream_truncated", 6),
        (HALF_RESPONSE, Ending.TIMED_OUT, "upstream_truncated", 6),
        (HALF_RESPONSE + b'event: response.output_text.delta\ndata: {"type":"resp', Ending.UPSTREAM_CUT, None, 6),
    ],
)
def test_a_response_without_an_end_fails_as_openai_tells_of_it(body, ending, code, number):
    out = repair_responses(body, ending)
    *_, error, failed = out.removesuffix(b"\n\n").split(b"\n\n")
    (name, told), (end, said) = (one.split(b"\ndata: ") for one in (error, failed))
    told, said = json.loads(told), json.loads(said)
    assert (name, end) == (b"event: error", b"event: response.failed")
    assert (told["sequence_number"], said["sequence_number"]) == (number, number + 1)
    assert told["error"]["code"] == said["response"]["error"]["code"] == code or "upstream_truncated"
    assert told["error"]["message"] == said["response"]["error"]["message"] != ""
    assert (said["response"]["status"], said["response"]["usage"]) == ("failed", None)
    assert out.startswith(HALF_RESPONSE) == body.startswith(HALF_RESPONSE)
    assert sum(out.count(b"event: " + kind.encode()) for kind in TERMINAL) == 1
    assert repair_responses(out) == out


@pytest.mark.parametrize("ending", [Ending.CLIENT_LEFT, Ending.INTERRUPTED])
def test_no_end_of_a_response_is_missed_when_the_client_left(ending):
    assert repair_responses(HALF_RESPONSE, ending) == HALF_RESPONSE


@pytest.mark.parametrize("ending", list(Ending))
def test_a_response_that_has_ended_or_failed_gets_no_second_end(ending):
    whole = streams.responses_sse(streams.responses_text("all"))
    assert repair_responses(whole, ending) == whole
    failed = repair_responses(HALF_RESPONSE + b'data: {"error":{"message":"overloaded"}}\n\n', ending)
    assert failed.count(b"event: error\n") == 1
    assert b"overloaded" in failed


# -- hold-back -------------------------------------------------------------------------------------------------------


def test_text_goes_out_with_the_event_that_brings_it():
    normalizer = Normalizer(streams.request_for())
    for payload in streams.chat_text()[:-1]:
        assert normalizer.feed(streams.frame(payload)) == streams.frame(payload)
    finish = streams.frame(streams.chat_text()[-1])
    assert normalizer.feed(finish) == b""
    assert not normalizer.done
    assert normalizer.feed(b"data: [DONE]\n\n") == b""
    assert normalizer.done
    assert normalizer.release() == finish + b"data: [DONE]\n\n"
    assert normalizer.finish() == b""


def test_release_gives_up_nothing_before_done():
    normalizer = Normalizer(streams.request_for())
    normalizer.feed(streams.sse(streams.chat_text(), done=False))
    assert normalizer.release() == b""
    assert b'"stop"' in normalizer.finish()


def test_finish_on_every_chunk_is_held_back_to_one():
    payloads = [streams.chunk({"content": piece}, "stop") for piece in ("a", "b", "c")]
    out = chunks(repair(streams.sse(payloads)))
    assert [one["choices"][0]["finish_reason"] for one in out] == [None, None, None, "stop"]
    assert out[-1]["choices"][0]["delta"] == {}


def test_of_two_reasons_the_one_that_says_more_counts():
    payloads = [*streams.chat_tool(), streams.chunk({}, "stop")]
    out = repair(streams.sse(payloads), tools=True)
    assert [one["choices"][0]["finish_reason"] for one in chunks(out)].count(None) == len(payloads) - 2
    assert completion(out)["finish_reason"] == "tool_calls"


# -- whole answers, heads, what is not ours --------------------------------------------------------------------------

WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1741570283,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
                ],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_completion_is_streamed(indent):
    out = repair(json.dumps(WHOLE, indent=indent).encode(), tools=True, usage=True)
    said = completion(out)
    assert said["tool_calls"][0] == {"index": 0, **WHOLE["choices"][0]["message"]["tool_calls"][0]}
    assert said["finish_reason"] == "tool_calls"
    assert said["usage"] == WHOLE["usage"]
    assert out.endswith(b"data: [DONE]\n\n")


def test_an_answer_that_was_not_asked_to_stream_passes():
    body = json.dumps(WHOLE).encode()
    normalizer = Normalizer(streams.request_for(stream=False), ResponseHead(200, (("content-length", "3"),)))
    assert normalizer.passes_through
    assert normalizer.feed(body) + normalizer.finish() == body
    assert normalizer.head.header("content-length") == "3"


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (500, b"Internal Server Error", "server_error", "Internal Server Error"),
        (404, b'{"detail":"Not Found"}', "invalid_request_error", "Not Found"),
        (502, b"", "server_error", "the upstream answered 502 without a body"),
        (429, b'{"error":"slow down"}', "invalid_request_error", "slow down"),
    ],
)
def test_error_answers_get_openais_shape(status, body, kind, message):
    normalizer = Normalizer(streams.request_for(), ResponseHead(status, (("content-type", "text/plain"),)))
    error = json.loads(normalizer.feed(body) + normalizer.finish())["error"]
    assert (error["type"], error["message"]) == (kind, message)
    assert set(error) == {"message", "type", "param", "code"}
    assert normalizer.head.header("content-type") == "application/json"


def test_an_error_answer_that_is_made_anew_stands_in_the_account():
    body = b'{"error":"bad template","error_type":"template_error","request_id":"r1"}'
    repaired = normalize(streams.exchange([body], status=422))
    inner = {"message": "bad template", "type": "template_error", "param": None, "code": None}
    assert json.loads(repaired.exchange.body) == {"error": inner, "request_id": "r1"}
    assert repaired.changes == {"http-error-body-shape": 1}
    (event,) = repaired.events
    assert (str(event.origin), event.repairs) == ("derived", ("http-error-body-shape",))
    assert list(summary_lines(repaired)) == ["mended http-error-body-shape (1 event)"]


_SLOW = {"type": "rate_limit_error", "message": "slow"}


@pytest.mark.parametrize(
    ("status", "body", "shaped"),
    [
        (429, {"type": "error", "error": _SLOW, "request_id": "r"}, None),
        (404, {"detail": "no such model", "id": 3}, {"type": "not_found_error", "message": "no such model"}),
        (500, {"error": {"message": "no", "type": "t", "code": 5}}, {"type": "t", "message": "no", "code": "5"}),
    ],
)
def test_an_error_answer_of_messages_gets_anthropics_shape(status, body, shaped):
    request = Request("POST", "http://localhost/v1/messages", (), b'{"stream":true}')
    repaired = normalize(streams.exchange([streams.dump(body)], status=status, request=request))
    if shaped is None:
        assert (repaired.exchange.body, repaired.changes) == (streams.dump(body), {})
        return
    rest = {key: value for key, value in body.items() if key not in ("error", "detail")}
    assert json.loads(repaired.exchange.body) == {"type": "error", "error": shaped, **rest}
    assert "http-error-body-shape" not in {one.rule for one in analyze(repaired.exchange).findings}


@pytest.mark.parametrize(
    ("status", "body", "ending"),
    [
        (304, b"", Ending.COMPLETE),
        (500, b'{"detail":"cut', Ending.UPSTREAM_CUT),
        (500, b'{"detail":"' + b"x" * (1 << 20) + b'"}', Ending.COMPLETE),
        (401, b'{\n "error": {"message": "no", "type": "t", "param": null, "code": "c"}\n}', Ending.COMPLETE),
    ],
    ids=["not modified", "cut", "too long", "as it should be"],
)
def test_an_error_answer_that_nothing_is_said_of_goes_as_it_came(status, body, ending):
    exchange = streams.exchange([body], status=status, ending=ending)
    repaired = normalize(exchange)
    assert (repaired.exchange.body, repaired.changes, repaired.exchange.head) == (body, {}, exchange.head)
    assert repaired.exchange.ending is ending


def test_openais_own_error_answer_is_left_alone():
    body = b'{\n "error": {"message": "no", "type": "t", "param": null, "code": "c"}\n}'
    normalizer = Normalizer(streams.request_for(), ResponseHead(401))
    assert normalizer.feed(body) + normalizer.finish() == body


def test_a_foreign_api_without_translator_passes():
    request = Request("POST", "/generate_stream", (), b'{"inputs":"x"}')
    normalizer = Normalizer(request)
    assert normalizer.feed(b'data:{"token":{}}\r\n\r\n') + normalizer.finish() == b'data:{"token":{}}\r\n\r\n'


def test_the_api_is_read_from_the_stream_when_the_request_is_unknown():
    normalizer = Normalizer()
    event = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"c"}}\n\n'
    assert b'"type":"message"' in normalizer.feed(event) + normalizer.finish()
    assert not normalizer.translated
    named = Normalizer(api=api_named("responses"))
    plain = streams.responses_sse(streams.responses_text()[:1])
    assert named.feed(plain) == plain


def test_a_compressed_body_comes_out_plain():
    import gzip

    body = streams.sse(streams.chat_text())
    head = ResponseHead(200, (("content-type", "text/event-stream"), ("content-encoding", "gzip")))
    normalizer = Normalizer(streams.request_for(), head)
    packed = gzip.compress(body)
    assert (
        b"".join(normalizer.feed(packed[at : at + 5]) for at in range(0, len(packed), 5)) + normalizer.finish() == body
    )
    assert normalizer.head.header("content-encoding") is None


def test_a_body_that_only_claims_a_coding_is_read_as_it_is():
    body = streams.sse(streams.chat_text())
    normalizer = Normalizer(streams.request_for(), ResponseHead(200, (("content-encoding", "gzip"),)))
    assert b"".join(normalizer.feed(bytes([byte])) for byte in body) + normalizer.finish() == body


# -- details that matter ---------------------------------------------------------------------------------------------


def test_line_separators_are_escaped_and_mean_the_same():
    payloads = streams.chat_text("a\u2028b", "c\x85d", "e\u2029")
    out = repair(streams.sse(payloads))
    assert completion(out)["content"] == "a\u2028bc\x85de\u2029"
    assert not {"\u2028", "\u2029", "\x85"} & set(out.decode())


def test_a_character_cut_in_half_is_put_together():
    whole = "🎉".encode()
    frames = [streams.frame(streams.chat_text()[0])]
    for part in (whole[:2], whole[2:]):
        frames.append(streams.frame(streams.chunk({"content": "@@"})).replace(b"@@", part))
    out = repair(b"".join(frames) + streams.sse(streams.chat_text()[-1:]))
    assert completion(out)["content"] == "🎉"
    halves = [streams.frame(streams.chunk({"content": "@@"})).replace(b"@@", half) for half in (rb"\ud83c", rb"\udf89")]
    out = repair(frames[0] + b"".join(halves) + streams.sse(streams.chat_text()[-1:]))
    assert completion(out)["content"] == "🎉"


def test_blame_names_sources_and_changes():
    payloads = streams.chat_text("a", "b")
    payloads[1]["id"] = "other"
    repaired = normalize(streams.exchange(streams.sse(payloads, done=False)))
    changed = repaired.events[1]
    assert (str(changed.origin), changed.sources, changed.repairs) == ("derived", (1,), ("chunk-id-changes",))
    assert (changed.changes[0].path, changed.changes[0].was, changed.changes[0].now) == ("id", "other", streams.ID)
    assert (str(repaired.events[-1].origin), repaired.events[-1].raw) == ("invented", b"data: [DONE]\n\n")
    assert str(repaired.events[0].origin) == "copied"


def test_usage_goes_to_its_own_chunk():
    payloads = streams.chat_text("a")
    payloads[-1]["usage"] = streams.USAGE
    asked = chunks(repair(streams.sse(payloads), usage=True))
    assert (asked[-1]["choices"], asked[-1]["usage"]) == ([], streams.USAGE)
    assert asked[-2]["usage"] is None
    unasked = chunks(repair(streams.sse(payloads)))
    assert (unasked[-1]["choices"], unasked[-1]["usage"]) == ([], streams.USAGE)
    assert all("usage" not in one for one in unasked[:-1])


def test_tgi_tool_calls_are_unwrapped():
    repaired = normalize(corpus.load(corpus.CORPUS / "seed-systems" / "tgi-2.0.4-tool"))
    call = completion(repaired.exchange.body)["tool_calls"][0]
    assert call["function"]["name"] == "get_current_weather"
    assert isinstance(json.loads(call["function"]["arguments"]), dict)
    assert completion(repaired.exchange.body)["finish_reason"] == "tool_calls"


def test_a_comment_decides_nothing():
    """A keep-alive between two chunks is no end: what is held back stays held back, and no text is dropped."""
    ping = b": keep-alive\n\n"
    twice = streams.chat_text("Spring is", " here. ", "Spring is here. ", "And it stays.")
    for payloads in (twice, streams.chat_tool("{}"), streams.chat_tool()):
        body = b"".join(ping + streams.frame(payload) for payload in payloads) + ping + b"data: [DONE]\n\n"
        assert repair(body, tools=True) == body


def test_calls_without_a_name_go_out_before_an_error():
    body = streams.sse(streams.chat_tool()[2:4], done=False)
    once = repair(body, tools=True)
    assert "error" in chunks(once)[-1]
    assert repair(once, tools=True) == once


@pytest.mark.parametrize("size", [1, 7, 20, 10_000])
def test_a_foreign_stream_that_passes_loses_no_byte_however_it_is_cut(size):
    """What was half read when the stream turned out to be foreign goes out as well."""
    body = b"".join(b'event: thread.run\ndata: {"object":"thread.run","n":%d}\n\n' % at for at in range(4))
    normalizer = Normalizer()
    out = b"".join(normalizer.feed(body[at : at + size]) for at in range(0, len(body), size)) + normalizer.finish()
    assert out == body
    assert normalizer.passes_through


def test_what_is_done_with_the_bytes_changes_as_the_table_says():
    from streamlab.repairing.modes import TRANSITIONS, Mode

    assert set(TRANSITIONS) == set(Mode)
    reached = {one for after in TRANSITIONS.values() for one in after}
    assert reached | {Mode.BEGINNING, Mode.COLLECTING} == set(Mode)  # the two that a body may begin in, beside PASSING
