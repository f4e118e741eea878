"""Siblings of public reports, as other servers and relays send them: what is found, and what goes out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.repairing.recovered import recovered_findings
from streamlab.rules.finding import Severity
from tests import responses, streams
from tests.batches import batched
from tests.harm_laws import broken_laws
from tests.odd_calls import odd_stream
from tests.repairing.test_harm_kinds import BEAT, asked, errors, told
from tests.repairing.test_harm_kinds import named as with_name
from tests.streams import call, chat_text, chat_tool, chat_tools, chat_usage, chunk, completions_text, frame, sse

TEXT = chat_text("a", "b")
REASONED = chunk({"role": "assistant", "reasoning_content": "x"})
OPENED = call(0, "call_1", "get_weather", '{"city":')
WHOLE = ["", "a", "b", "finish:stop", "[DONE]"]
PROCESSING = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
LATE = completions_text("a", "b", "c")
BROKEN = streams.frame(TEXT[1]).replace(b'"finish_reason"', b'finish_reason"').removeprefix(b"data: ")
LOG = b'INFO:     127.0.0.1:5 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'

#: kind -> what came, the errors that are found, and what goes out
KINDS = {
    "a keep-alive that begins a line of its own inside a string": (
        asked(sse(TEXT).replace(b'"content":"a', b'"content":"\n: keep-alive\n\na')),
        {"sse-comment-inside-data"},
        WHOLE,
    ),
    "a keep-alive in CRLF that begins a line of its own between members": (
        asked(
            sse(TEXT[:1], done=False)
            + sse(TEXT[1:]).replace(b',"choices"', b',\r\n: ping\r\n\r\n"choices"', 1)
        ),
        {"sse-comment-inside-data"},
        WHOLE,
    ),
    "a ping event without a name in the middle of a line": (
        asked(sse(TEXT).replace(b'"content":"b"', b'"contdata: {"type":"ping"}\n\nent":"b"')),
        {"sse-comment-inside-data"},
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "another spelling of [DONE] glued to a chunk": (
        asked(sse(TEXT, done=False).rstrip() + b"\rdata: [done]\n\n"),
        {"sse-missing-blank-line"},
        WHOLE,
    ),
    "a keep-alive whose choices are an object": (
        asked(sse([{**BEAT, "choices": {}}, *TEXT])),
        {"choices-missing-or-null", "keepalive-chunk"},
        [":", *WHOLE],
    ),
    "a finish that is an object, beside usage": (
        asked(sse([*TEXT[:-1], chunk({}, {"why": 1}, usage=streams.USAGE)]).replace(b'{"why":1}', b"{}")),
        {"finish-reason-unknown-value"},
        ["", "a", "b", "finish:{}", "usage", "[DONE]"],
    ),
    "the rest of a call behind [DONE], with the finish again": (
        asked(
            sse([chunk({"role": "assistant", "content": None, "tool_calls": [OPENED]}, "tool_calls")])
            + sse([chunk({"tool_calls": [call(0, arguments='"Oslo"}')]}, "tool_calls")], done=False),
            tools=True,
        ),
        {"done-duplicate-or-early"},
        ['{"city":', '"Oslo"}', "finish:tool_calls", "[DONE]"],
    ),
    "arguments that begin anew behind a finish": (
        asked(
            sse(
                [
                    chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "call_1", "get_weather")]}),
                    chunk({"tool_calls": [call(0, arguments="{}")]}),
                    chunk({}, "tool_calls"),
                    chunk({"tool_calls": [call(0, arguments='{"city":"Oslo"}')]}),
                ]
            ),
            tools=True,
        ),
        {"tool-call-arguments-empty-object-prefix", "tool-call-finish-per-call"},
        ["", "", '{"city":"Oslo"}', "finish:tool_calls", "[DONE]"],
    ),
    "arguments that begin anew behind a finish that nobody knows": (
        asked(
            sse(
                [
                    chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "call_1", "get_weather")]}),
                    chunk({"tool_calls": [call(0, arguments="{}")]}, "{"),
                    chunk({"tool_calls": [call(0, arguments='{"city":"Oslo"}')]}),
                    chunk({}, "tool_calls"),
                ]
            ),
            tools=True,
        ),
        {"tool-call-arguments-empty-object-prefix", "tool-call-finish-per-call", "finish-reason-unknown-value"},
        ["", "", '{"city":"Oslo"}', "finish:tool_calls", "[DONE]"],
    ),
    "the only choice has number 1, and an error ends it": (
        asked(sse([chunk({"role": "assistant", "content": "a"}, index=1)], done=False) + b'data: {"error":"busy"}\n\n'),
        {"choice-index-is-token-counter"},
        ["a", "error"],
    ),
    "a payload on several lines, with more space than one, behind another": (
        asked(
            sse(TEXT[:2], done=False).removesuffix(b"\n")
            + b'data:   {"id":"x",\ndata:   "choices":[\ndata:   }\n\n'
            + sse(TEXT[2:])
        ),
        {"json-malformed"},
        ["", "a", "error", "b", "finish:stop", "[DONE]"],
    ),
    "text in place of a delta beside an error": (
        asked(sse([*TEXT[:2], chunk(choices=[{"index": 0, "delta": "b"}], error={"message": "busy"})])),
        {"error-beside-choices"},
        ["", "a", "b", "error", "[DONE]"],
    ),
    "numbers of parts in quotation marks": (
        asked(sse([REASONED, chunk({"content": "a"}, index=1), chunk({}, "stop", index=2)]).replace(b":1,", b':"1",')),
        {"choice-index-is-token-counter", "choice-index-missing"},
        ["", "a", "finish:stop", "[DONE]"],
    ),
    "a call in the old form of what is no function": (
        asked(
            sse(
                [
                    chunk({"role": "assistant", "content": None, "function_call": {"name": '"}', "arguments": ""}}),
                    chunk({"function_call": {"arguments": "{}"}}),
                    chunk({}, "function_call"),
                ]
            ),
            tools=True,
        ),
        {"tool-call-legacy-function-call", "model-markup-in-answer"},
        ["", "", "finish:function_call", "[DONE]"],
    ),
    "a first line that breaks off inside a string": (
        asked(frame(TEXT[0]).removeprefix(b"data: ").replace(b'"assistant",', b'"assis') + sse(TEXT[1:])),
        {"role-missing"},
        ["a", "b", "finish:stop", "[DONE]"],
    ),
    "two finishes before more text in legacy completions": (
        asked(sse([LATE[0], LATE[3], LATE[3], LATE[1], LATE[2]]), path="/v1/completions"),
        {"content-after-finish"},
        ["a", "b", "c", "finish:stop", "finish:stop", "[DONE]"],
    ),
    "an error that nobody can read keeps its name": (
        asked(sse(TEXT[:2], done=False) + with_name(b"error", BROKEN.strip()) + sse(chat_usage("a")[-1:]), usage=True),
        {"json-malformed"},
        ["", "a", "error", "usage", "[DONE]"],
    ),
    "a line of a log among the events": (
        asked(streams.frame(TEXT[0]) + LOG + sse(TEXT[1:])),
        set(),
        ["", ":", "a", "b", "finish:stop", "[DONE]"],
    ),
}  # fmt: skip


@batched("kind", KINDS)
def test_what_is_found_and_what_goes_out(kind):
    exchange, found, out = KINDS[kind]
    assert errors(exchange) == found
    assert [one for one in told(normalize(exchange).exchange.body) if one != ":"] == [one for one in out if one != ":"]
    assert broken_laws(exchange) == {}


def test_what_a_gateway_says_of_itself_first_does_not_name_the_answer():
    repaired = normalize(asked(sse([{**PROCESSING, "status": "processing"}, *TEXT]))).exchange.body
    assert repaired.endswith(sse(TEXT))
    assert b"gen-1" not in repaired


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"   \n\n", "empty-200"),
        (b": hi\n\n: hi\n\n", "body-not-event-stream"),
        (b"retry: 1000\n\n", "body-not-event-stream"),
        (b"event: message\n\n", "body-not-event-stream"),
        (b"upstream connect error", "body-not-event-stream"),
        (bytes(range(128, 256)), "body-not-event-stream"),
        (b"<html>Bad Gateway</html>", "html-body-200"),
        (b"{}", "body-not-event-stream"),
    ],
)
def test_check_and_normalize_call_a_body_without_an_answer_the_same(body, rule):
    exchange = asked(body)
    assert rule in errors(exchange)
    assert rule in errors_left(normalize(exchange))
    assert rule in normalize(exchange).changes


def test_each_chunk_twice_is_said_once_the_answer_is_over():
    pieces = chat_text("Spring", " is", " here", ".")
    doubled = [pieces[0], *[one for piece in pieces[1:-1] for one in (piece, piece)], pieces[-1]]
    assert errors(asked(sse(doubled))) == {"chunks-sent-twice"}
    assert errors_left(normalize(asked(sse(doubled)))) == ("chunks-sent-twice",)
    assert errors(asked(sse(chat_text("No.", " No.", " No.", " No.")))) == set()
    both = [chunk({"content": piece}, index=index) for piece in ("A", "B", "C", "D") for index in (0, 1)]
    assert "chunks-sent-twice" not in errors(asked(sse(both)))  # two choices that say the same


@pytest.mark.parametrize(
    ("text", "told_of"), [("I think so.</think>Hi", True), ("A tag </think> closes it", False), ("a</think>b", False)]
)
def test_the_end_of_reasoning_in_the_text(text, told_of):
    rules = {one.rule for one in analyze(asked(sse(chat_text(text)))).findings}
    assert ("reasoning-field-variants" in rules) is told_of


@pytest.mark.parametrize("number", [3224, 3314, 6769])
def test_a_placeholder_is_cleared_although_nothing_of_another_call_went_out_between(number):
    exchange = asked(sse(odd_stream(number)), tools=True)
    once = normalize(exchange).exchange
    assert normalize(once).exchange.body == once.body


def test_events_that_nobody_could_read_are_judged_once_their_framing_is_repaired():
    chunks = [{**one, "id": f"x{at}"} for at, one in enumerate(chat_text("a", "b", "c"))][:-1]
    exchange = asked(sse(chunks).replace(b"data: ", b"Data: "))
    report = analyze(exchange)
    assert [one.rule for one in report.findings] == ["sse-invalid-field-name"]
    assert {one.rule for one in recovered_findings(exchange, report)} == {"finish-reason-missing", "chunk-id-changes"}
    whole = asked(sse(TEXT).replace(b"data: ", b"Data: "))
    assert recovered_findings(whole, analyze(whole)) == ()
    assert recovered_findings(asked(sse(chunks)), analyze(asked(sse(chunks)))) == ()


def test_what_a_guessed_end_goes_before_may_have_a_chunk_without_choices_behind_it():
    aside = {**chunk(choices=[]), "moderation": {"flagged": False}}
    exchange = asked(sse([*chat_usage("a")[:-2], chat_usage()[-1], aside]), usage=True)
    assert told(normalize(exchange, unsafe=True).exchange.body) == ["", "a", "finish:stop", "usage", "", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_text_with_a_finish_goes_before_the_call_that_waits_for_its_name():
    nameless = chunk({"role": "assistant", "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})
    exchange = asked(sse([nameless, chunk({"content": "ok"}, "tool_calls")]), tools=True)
    assert told(normalize(exchange).exchange.body) == ["", "ok", "{}", "finish:tool_calls", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_calls_and_markup_under_several_indexes_of_one_answer():
    tools = [*chat_tools()[:2], chunk({"tool_calls": [streams.call(0, arguments="Oslo")]})]
    broken = asked(sse([*tools, chunk({}, "tool_calls", index=1)]), tools=True)
    assert "tool-call-arguments-not-json" in errors(broken)
    counted = asked(sse([chunk({"content": piece}, index=at) for at, piece in enumerate(("a", "b", "c", "</s>"))]))
    assert "model-markup-in-answer" in errors(counted)
    assert broken_laws(broken) == broken_laws(counted) == {}


@pytest.mark.parametrize("pieces", [1, 3])
def test_events_that_a_gateway_took_for_text(pieces):
    """Each delta holds an event of the upstream; an example that a model writes comes in pieces of one."""
    inner = [streams.frame(one).decode() for one in chat_text("a", "b", "c")[:pieces]]
    assert errors(asked(sse(chat_text(*inner)))) == {"content-is-nested-chunk"}
    assert errors(asked(sse(chat_text(*(piece for one in inner for piece in (one[:40], one[40:])))))) <= {
        "content-is-nested-chunk"
    }
    assert errors(asked(sse(chat_text("An example: ", *inner)))) == set()


def test_parts_of_an_answer_one_of_which_is_torn_or_lost():
    """The index counts parts; the text, which is one of them, has a comment in it, or is not there."""
    parts = [
        chunk({"role": "assistant", "reasoning": "hm"}),
        chunk({"content": "Hello"}, index=1),
        chunk({}, "stop", index=2),
    ]
    torn = asked(sse(parts).replace(b"Hello", b"Hel: keep-alive\n\nlo"))
    assert errors(torn) == {"choice-index-is-token-counter", "sse-comment-inside-data"}
    assert told(normalize(torn).exchange.body) == ["", "Hello", "finish:stop", "[DONE]"]
    lost = asked(sse([parts[0], parts[2]]))
    assert errors(lost) == {"choice-index-is-token-counter"}
    assert errors(normalize(lost).exchange) == set()
    assert broken_laws(torn) == broken_laws(lost) == {}


GEMINI = [
    {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}], "responseId": "r1"}
    for text, more in (("Spring", {}), (" is", {}), (" here.", {"finishReason": "STOP"}))
]
OLLAMA = [
    {"model": "qwen3", "message": {"role": "assistant", "content": text}, "done": False} for text in ("Spring", " is")
] + [{"model": "qwen3", "message": {"role": "assistant", "content": " here."}, "done": True, "done_reason": "stop"}]


def _lines(objects):
    return b"".join(streams.dump(one) + b"\n" for one in objects)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1beta/models/g:streamGenerateContent?alt=sse", sse(GEMINI, done=False).replace(b',"index"', b',\n"index"')),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", b"data: [1]\n\n" + sse(GEMINI, done=False)),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", sse(GEMINI, done=False).replace(b"data: ", b"Data: ")),
        ("/api/chat", b"data: [1]\n\n" + _lines(OLLAMA)),
        ("/api/chat", b": hi\n\n" + _lines(OLLAMA)),
        ("/api/chat", b"".join(b"data: " + streams.dump(one) + b"\n" for one in OLLAMA)),
    ],
    ids=[
        "torn lines",
        "a number first",
        "another case",
        "a number before lines",
        "a comment before lines",
        "no blanks",
    ],
)
def test_a_foreign_answer_is_framed_before_it_is_translated(path, body):
    """What is wrong with its framing costs none of its text, and what nobody can read is a comment."""
    exchange = asked(body, path=path)
    repaired = normalize(exchange).exchange
    assert analyze(repaired).completion["content"] == "Spring is here."
    assert errors(repaired) == set()
    assert broken_laws(exchange) == {}


CUT = [sse(TEXT[:1], done=False), sse(TEXT[1:3], done=False)[:300], sse(TEXT[1:3], done=False)[300:] + sse(TEXT[3:])]


@pytest.mark.parametrize("pieces", [[streams.frame(one) for one in TEXT] + [b"data: [DONE]\n\n"], CUT])
def test_sizes_of_chunks_left_in_a_body_are_taken_out(pieces):
    """Where they tear events, too; the first bytes are quoted."""
    left = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
    (found,) = [one for one in analyze(asked(left)).findings if one.severity is Severity.ERROR]
    assert found.rule == "encoding-mislabelled"
    assert "data: {" in found.message
    assert normalize(asked(left)).exchange.body == sse(TEXT)
    assert broken_laws(asked(left)) == {}
    text = b"13d\r\nis a number, said the upstream"
    assert errors(asked(text)) == {"body-not-event-stream"}


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_a_multipart_body_is_no_event_stream(kind):
    pieces = [streams.frame(one).strip() for one in TEXT]
    pieces = pieces if kind == "text/event-stream" else [one.removeprefix(b"data: ") for one in pieces]
    head = b"--b1\r\nContent-Type: " + kind.encode() + b"\r\n\r\n"
    body = b"".join(head + one + b"\n\n\r\n" for one in pieces) + b"--b1--\r\n"
    exchange = asked(body)
    (found,) = [one for one in analyze(exchange).findings if one.rule == "body-not-event-stream"]
    assert "--b1" in found.message
    assert analyze(normalize(exchange).exchange).completion["content"] == "ab"
    assert broken_laws(exchange) == {}


def test_a_key_that_is_torn_at_a_line_end_is_the_key():
    exchange = asked(sse(TEXT).replace(b'"content":"b"', b'"con\n\ntent":"b"'))
    assert errors(exchange) == {"sse-raw-newline-in-json"}
    assert told(normalize(exchange).exchange.body) == WHOLE


@pytest.mark.parametrize("prefix", [b"data: ", b""])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_json_that_is_printed_over_lines_is_joined(prefix, line_end):
    """Its objects and arrays open on lines of their own, which look like events without a prefix."""
    printed = b"".join(prefix + json.dumps(one, indent=2).encode() + b"\n\n" for one in TEXT) + b"data: [DONE]\n\n"
    exchange = asked(printed.replace(b"\n", line_end))
    assert errors(exchange) == {"sse-raw-newline-in-json" if prefix else "sse-ndjson-instead"}
    assert told(normalize(exchange).exchange.body) == WHOLE
    assert broken_laws(exchange) == {}


def test_an_event_of_responses_that_is_printed_is_kept():
    """The end of a response, printed: it was taken for one that broke off, and the answer for one that failed."""
    events = responses.mix()
    last = b"event: response.completed\ndata: " + json.dumps(events[-1], indent=1).encode() + b"\n\n"
    exchange = responses.exchange(responses.sse(events[:-1]) + last)
    assert normalize(exchange).exchange.body == responses.sse(events)
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize("form", ["{}", "{}\n\n", "data: {}\n\n"])
def test_events_that_were_encoded_once_too_often_are_decoded(form):
    """The payload is a JSON text, in which the JSON stands, or the whole event."""
    payloads = [*map(json.dumps, TEXT), "[DONE]"]
    exchange = asked(b"".join(streams.frame(streams.dump(form.format(one))) for one in payloads))
    assert "json-not-object" in errors(exchange)
    assert told(normalize(exchange).exchange.body) == WHOLE
    assert broken_laws(exchange) == {}


def test_a_text_that_is_no_event_stays():
    exchange = asked(sse([*TEXT[:2], b'"{Spring}"', *TEXT[2:]]))
    assert normalize(exchange).exchange.body == exchange.body


CUSTOM = {"index": 0, "id": "call_a1", "type": "custom", "custom": {"name": "run", "input": ""}}


@pytest.mark.parametrize("others", [[], chat_tool()[1:-1]])
def test_calls_of_custom_tools_pass_as_they_came(others):
    """They have an input in place of a function: it was made a function without a name, and a later call waited."""
    fragments = [CUSTOM, {"index": 0, "custom": {"input": "SELECT"}}, {"index": 0, "custom": {"input": " 1"}}]
    first = {"role": "assistant", "content": None, "refusal": None}
    if others:
        fragments += [streams.call(1, "call_b2", "get_weather")]
    for one in others:
        fragments += [{**one["choices"][0]["delta"]["tool_calls"][0], "index": 1}]
    payloads = [chunk(first), *(chunk({"tool_calls": [one]}) for one in fragments), chunk({}, "tool_calls")]
    exchange = streams.exchange(sse(payloads))
    assert analyze(exchange).findings == ()
    repaired = normalize(exchange)
    assert (repaired.exchange.body, repaired.changes) == (exchange.body, {})


def test_a_type_that_openai_does_not_have_is_told():
    """It was mended without a word."""
    payloads = chat_tool()
    payloads[0]["choices"][0]["delta"]["tool_calls"][0]["type"] = "tool"
    exchange = streams.exchange(sse(payloads))
    assert errors(exchange) == {"tool-call-type-missing"}
    assert normalize(exchange).exchange.body == sse(chat_tool())


@pytest.mark.parametrize(("usage", "severity"), [(True, Severity.WARNING), (False, Severity.INFO)])
def test_usage_in_groqs_own_member_is_lost_to_who_asked_for_it(usage, severity):
    payloads = chat_text("a")
    payloads[-1]["x_groq"] = {"id": "req_1", "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}}
    exchange = streams.exchange(sse(payloads), request=streams.request_for(usage=usage))
    (found,) = [one for one in analyze(exchange).findings if one.rule == "usage-in-choice"]
    assert found.severity is severity


def test_halves_of_a_character_in_two_forms_are_not_put_together():
    """The first half is an escape, the rest is bytes that are no UTF-8."""
    body = sse(chat_text("#", "*")).replace(b'"#"', rb'"\ud83c"').replace(b'"*"', b'"\xed\xbe\x89!"')
    repaired = normalize(asked(body)).exchange
    assert analyze(repaired).completion["content"] == "\ud83c\ufffd\ufffd\ufffd!"
    assert broken_laws(asked(body)) == {}


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("/v1beta/models/g:streamGenerateContent", GEMINI, set()),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", GEMINI, {"body-not-event-stream"}),
        ("/v1beta/models/g:streamGenerateContent", [1, 2], {"body-not-event-stream"}),
        ("/v1/chat/completions", TEXT, {"body-not-event-stream"}),
    ],
)
def test_an_array_is_right_where_it_was_asked_for(path, body, found):
    """Gemini streams one JSON array unless the request says ``alt=sse``."""
    plain = streams.exchange([streams.dump(body)], request=streams.request_for(path=path))
    assert plain.head is not None
    plain = replace(plain, head=replace(plain.head, headers=(("content-type", "application/json"),)))
    assert errors(plain) & {"body-not-event-stream"} == found


def test_a_guessed_end_behind_an_aside_has_the_envelope_of_the_answer():
    """Azure's asides have none."""
    aside = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
    exchange = asked(sse([*TEXT[:-1], aside]))
    guessed = normalize(exchange, unsafe=True).exchange
    assert told(guessed.body)[-2:] == ["finish:stop", "[DONE]"]
    assert guessed.body.count(streams.ID.encode()) == len(TEXT)
    assert broken_laws(exchange) == {}
