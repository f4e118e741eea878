"""Kinds of harm that mutated streams brought to light, each as the smallest stream that shows it, with the right value.

What goes out is told in short: the text of a chunk, ``finish:stop``, ``usage``, ``:`` for a comment, ``[DONE]``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire import reading
from streamlab.wire.events import Chunk, Comment, Done
from streamlab.wire.stream import StreamDecoder
from tests import streams
from tests.harm_laws import broken_laws
from tests.streams import chat_text, chat_tool, chat_tools, chat_usage, chunk, completions_text, sse

BEAT = chunk({}, id="chatcmpl-keepalive", created=0, model="keepalive")


def told(body):
    decoder = StreamDecoder()
    return [_told(event) for event in (*decoder.feed(body), *decoder.finish())]


def _told(event):
    if isinstance(event, Comment):
        return ":"
    if isinstance(event, Done):
        return "[DONE]"
    if not isinstance(event, Chunk):
        return "error"
    (choice,) = reading.choices(event.json) or [{}]
    calls = reading.tool_calls(reading.delta(choice))
    text = (
        reading.content(reading.delta(choice))
        or choice.get("text")
        or "".join(call["function"]["arguments"] for call in calls)
    )
    finish = f"finish:{choice['finish_reason']}" if choice.get("finish_reason") is not None else ""
    return text + finish or ("usage" if event.json.get("usage") else "")


def asked(body, *, path="/v1/chat/completions", **options):
    return streams.exchange([body], request=streams.request_for(path=path, **options))


def finished_with(reason):
    return sse([*chat_text("a", "b")[:-1], chunk({}, reason)])


def errors(exchange):
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}


TEXT, TOOLS = chat_text("a", "b"), chat_tools()
LATE = completions_text("a", "b")
OPENING = chunk({"role": "assistant", "content": "", "refusal": None}, id="x")
SPLICED = b'data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"ind' + streams.frame(TOOLS[-1])

#: kind -> what came, whether repairs may guess, and what goes out
REPAIRED = {
    "a guessed end goes before usage": (
        asked(sse([*chat_usage("a", "b")[:-2], chat_usage()[-1]]), usage=True),
        True,
        ["", "a", "b", "finish:stop", "usage", "[DONE]"],
    ),
    "a comment beside the usage stays behind the guess": (
        asked(sse([*chat_usage("a")[:-2], chat_usage()[-1]], done=False) + b": ok\n\ndata: [DONE]\n\n", usage=True),
        True,
        ["", "a", "finish:stop", "usage", ":", "[DONE]"],
    ),
    "nothing is guessed where usage stands without [DONE]": (
        asked(sse([*chat_usage("a", "b")[:-2], chat_usage()[-1]], done=False), usage=True),
        True,
        ["", "a", "b", "usage", "error"],
    ),
    "text after a finish and [DONE] goes, since clients hold the answer without it": (
        asked(sse(TEXT) + streams.frame(chunk({"content": "c"}))),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "text after a finish and [DONE] goes, in legacy completions too": (
        asked(sse([LATE[0], LATE[2]]) + streams.frame(LATE[1]), path="/v1/completions"),
        False,
        ["a", "finish:stop", "[DONE]"],
    ),
    "text after a [DONE] that came before the finish goes before it": (
        asked(sse([*TEXT[:2]]) + sse([*TEXT[2:]], done=False)),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "every heartbeat of several is a comment": (
        asked(sse([*TEXT[:2], BEAT, BEAT, BEAT, *TEXT[2:]])),
        False,
        ["", "a", ":", ":", ":", "b", "finish:stop", "[DONE]"],
    ),
    "a delta that is [DONE] is no text": (
        asked(sse([*TEXT[:-1], chunk(choices=[{"index": 0, "delta": "[DONE]", "finish_reason": "stop"}])])),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "a finish_reason of blanks is null": (asked(finished_with(" ")), False, ["", "a", "b", "", "[DONE]"]),
    "a finish_reason of false is null": (
        asked(finished_with(False)),
        True,
        ["", "a", "b", "", "finish:stop", "[DONE]"],
    ),
    "what check calls a safe name for stop is one": (
        asked(finished_with("done")),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPAIRED)
def test_what_goes_out(kind):
    exchange, unsafe, expected = REPAIRED[kind]
    assert told(normalize(exchange, unsafe=unsafe).exchange.body) == expected
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize("reason", ["", "null", " ", "None", False])
def test_a_blank_is_no_reason_to_finish(reason):
    exchange = asked(finished_with(reason))
    assert errors(exchange) == {"finish-reason-empty-string", "finish-reason-missing"}
    assert errors(normalize(exchange).exchange) == {"finish-reason-missing"}


def test_a_role_that_comes_late_with_another_id_begins_no_second_answer():
    """check and normalize agree: no role was said before it, so no answer was under way."""
    exchange = asked(sse([*TEXT[1:3], OPENING, *TEXT[3:]]))
    assert errors(exchange) == {"chunk-id-changes"}
    repaired = normalize(exchange)
    assert errors(repaired.exchange) == set()
    assert {event["id"] for event in _chunks(repaired.exchange.body)} == {streams.ID}


def _chunks(body):
    decoder = StreamDecoder()
    return [one.json for one in (*decoder.feed(body), *decoder.finish()) if isinstance(one, Chunk)]


def test_the_account_of_a_finish_that_moves_goes_with_it():
    """The finish chunk was saved out of a spliced frame, and is then moved behind a fragment."""
    body = sse(TOOLS[:6], done=False) + SPLICED + sse([TOOLS[6]])
    repaired = normalize(asked(body, tools=True))
    assert told(repaired.exchange.body)[-3:] == ['"Rome"}', "finish:tool_calls", "[DONE]"]
    assert repaired.changes["sse-spliced-frames"] == 1
    assert broken_laws(asked(body, tools=True)) == {}


def test_conforming_streams_stay_as_they_are():
    for payloads in (chat_text(), chat_tool(), chat_tools(), chat_usage("a")):
        exchange = asked(sse(payloads), tools=True, usage=payloads[-1]["choices"] == [])
        assert normalize(exchange, unsafe=True).exchange.body == exchange.body


# -- siblings of public reports --------------------------------------------------------------------------------------

HALF = sse(TEXT[:2], done=False)


def named(name, data):
    return b"event: " + name + b"\ndata: " + data + b"\n\n"


def mid(*events):
    return asked(HALF + b"".join(events) + sse(TEXT[2:]))


AGAIN = chat_text("The weather", " is fine.")
FULL = "The weather is fine."
THOUGHT = chunk({"role": "assistant", "reasoning": "hm"})
OTHER = {"id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOther"}

#: kind -> what came, the errors that are found, and what goes out
SIBLINGS = {
    "a remark with a name and a message is no error": (
        mid(named(b"warning", b'{"message":"slow"}')),
        {"choices-missing-or-null"},
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "text that is called an error is one": (
        mid(named(b"error", b"overloaded")),
        {"plain-text-in-data"},
        ["", "a", "error", "b", "finish:stop", "[DONE]"],
    ),
    "a letter before data": (
        asked(sse(TEXT).replace(b'data: {"id"', b'xdata: {"id"', 3)[1:].replace(b"xdata", b"data", 1)),
        {"sse-invalid-field-name"},
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "data behind the name of its event": (
        asked(HALF + streams.frame(TEXT[2]) + b"event: x, " + streams.frame(TEXT[3]) + b"data: [DONE]\n\n"),
        {"sse-invalid-field-name", "sse-event-without-data"},
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "a ping event in the middle of a line": (
        asked(sse(TEXT).replace(b'"content":"b"', b'"contevent: ping\ndata: {}\n\nent":"b"')),
        {"sse-comment-inside-data"},
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "the finish of parts has the index of the first": (
        asked(sse([THOUGHT, chunk({"content": "a"}, index=1), chunk({}, "stop")])),
        {"choice-index-is-token-counter"},
        ["", "a", "finish:stop", "[DONE]"],
    ),
    "all of it once more, role and all, with the finish, is no second answer": (
        asked(sse([*AGAIN[:3], chunk({"role": "assistant", "content": FULL}, "stop")])),
        {"full-message-repeated"},
        ["", "The weather", " is fine.", "finish:stop", "[DONE]"],
    ),
    "a heartbeat is named by what says so": (
        mid(streams.frame({**chunk(choices=[]), "object": "chat.completion.keepalive"})),
        set(),
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "a message behind which the answer goes on is a remark": (
        asked(HALF + streams.frame({"message": "queue position 3"}) + sse(TEXT[2:])),
        {"choices-missing-or-null"},
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "a message behind which nothing comes is an error": (
        asked(HALF + streams.frame({"message": "queue is full"})),
        {"error-flat-object"},
        ["", "a", "error"],
    ),
    "so is one that speaks of a failure": (
        asked(HALF + streams.frame({"message": "Internal error"}) + sse(TEXT[2:])),
        {"error-flat-object"},
        ["", "a", "error", "b", "finish:stop", "[DONE]"],
    ),
    "a chunk torn in three, the last of which begins with a colon": (
        asked(sse(TEXT).replace(b'"b"},"logprobs":', b'"\n\ndata: b"},"logprobs"\n\ndata: :')),
        {"sse-json-split-across-events"},
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "an error in an error": (
        asked(streams.frame({"error": {"error": {"message": "busy"}}})),
        set(),
        ["error"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SIBLINGS)
def test_siblings(kind):
    exchange, found, expected = SIBLINGS[kind]
    assert errors(exchange) - {"role-missing"} == found
    assert told(normalize(exchange).exchange.body) == expected
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize(
    "second",
    [
        [{**one, **OTHER} for one in AGAIN[1:]],
        [{**one, **OTHER} for one in chat_text("The weather", " is fine.")],
        [chunk({}, "stop"), *({**one, **OTHER} for one in AGAIN)],
    ],
    ids=["another id, no role", "another id and the role", "after a finish"],
)
def test_an_answer_that_starts_over_is_told_by_check_and_by_normalize(second):
    exchange = asked(sse([*AGAIN[:3], *second]))
    assert "answer-starts-over" in errors(exchange)
    assert "answer-starts-over" in errors_left(normalize(exchange))
    assert broken_laws(exchange) == {}


def test_the_role_that_shows_a_seam_is_not_called_repairable():
    exchange = asked(sse([*AGAIN[:3], *({**one, **OTHER} for one in AGAIN)]))
    (found,) = [one for one in analyze(exchange).findings if one.rule == "role-every-chunk"]
    assert found.repairability is Repairability.NONE


def test_the_model_that_changes_at_a_seam_is_not_called_repairable():
    exchange = asked(sse([*AGAIN[:3], *({**one, **OTHER, "model": "fallback"} for one in AGAIN)]))
    (found,) = [one for one in analyze(exchange).findings if one.rule == "model-missing-or-changes"]
    assert found.repairability is Repairability.NONE


@pytest.mark.parametrize(
    ("payloads", "rule", "safe"),
    [
        (finished_with("error"), "finish-reason-unknown-value", Repairability.NONE),
        (finished_with("tool_calls"), "tool-call-finish-without-calls", Repairability.UNSAFE),
        (sse([TEXT[0], chunk({}, "tool_calls")]), "tool-call-finish-without-calls", Repairability.NONE),
    ],
)
def test_a_repair_is_promised_where_there_is_one(payloads, rule, safe):
    (found,) = [one for one in analyze(asked(payloads, tools=True)).findings if one.rule == rule]
    assert found.repairability is safe
    assert (rule in errors_left(normalize(asked(payloads, tools=True), unsafe=True))) == (safe is Repairability.NONE)


def test_a_stream_that_nobody_could_read_is_not_called_empty():
    exchange = asked(sse([TEXT[0], b'{"id":"x",', TEXT[-1]]))
    assert "silent-empty-success" not in {one.rule for one in analyze(exchange).findings}


def _call(name, arguments, **extra):
    opening = {**streams.call(0, "call_1", name), **extra}
    opening["function"]["arguments"] = arguments
    return asked(sse([chunk({"role": "assistant", "content": None, "tool_calls": [opening]}), chunk({}, "tool_calls")]))


def test_a_name_within_the_arguments_is_told_to_be_repairable():
    exchange = _call("", '{"function": {"_name": "get_weather", "city": "Oslo"}}')
    (found,) = [one for one in analyze(exchange).findings if one.rule == "tool-call-name-missing"]
    assert found.repairability is Repairability.SAFE
    assert errors(normalize(exchange).exchange) == set()


def test_no_id_is_made_for_scraps():
    exchange = _call('"}', '[ARGS]{"', id="")
    assert "call_" not in normalize(exchange).exchange.body.decode()
    (found,) = [one for one in analyze(exchange).findings if one.rule == "tool-call-id-missing"]
    assert found.repairability is Repairability.NONE


MARKUP = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'


def test_a_call_in_the_text_beside_the_call_stays_text():
    """Under --unsafe the call itself was lost."""
    exchange = asked(sse([*chat_text(MARKUP)[:2], *chat_tools()[1:4], chunk({}, "tool_calls")]), tools=True)
    assert normalize(exchange, unsafe=True).exchange.body == exchange.body


@pytest.mark.parametrize("leaked", [MARKUP, "<tool_call><function=get_weather></function></tool_call>"])
def test_a_leak_is_called_repairable_where_it_is(leaked):
    exchange = asked(sse(chat_text(leaked)), tools=True)
    (found,) = [one for one in analyze(exchange).findings if one.rule == "tool-call-leaked-as-text"]
    left = errors_left(normalize(exchange, unsafe=True))
    assert (found.repairability is Repairability.UNSAFE) == (left == ())


@pytest.mark.parametrize(
    ("payloads", "said"),
    [
        ([*chat_text("Hm", "</think>", "\n\nHi")], "the text of choice 0 begins with reasoning that ends in </think>"),
        (
            [chunk({"role": "assistant", "reasoning": "<think>Hm"}), *chat_text("Hi")[1:]],
            "the reasoning of choice 0 has its tags in it",
        ),
        (
            [*chat_text("I ask.", "</tool_call>")[:3], *chat_tools()[1:4], chunk({}, "tool_calls")],
            "the text beside a call ends in the model's own markup: '</tool_call>'",
        ),
        ([*chat_text("Write `</think>` at the end.")], ""),
    ],
)
def test_markup_that_every_client_shows(payloads, said):
    told_of = [
        one.message for one in analyze(asked(sse(payloads), tools=True)).findings if one.severity is not Severity.INFO
    ]
    assert told_of == ([said] if said else [])


def test_a_line_that_no_client_reads_says_why_the_answer_breaks_off():
    exchange = asked(HALF + b"Internal error happened\n\n")
    assert errors(exchange) == {"error-in-comment"}
    assert told(normalize(exchange).exchange.body) == ["", "a", ":", "error"]


FINISH_0 = chunk(id="x", choices=[{"index": 0, "delta": {}, "logprobs": None, "finish_reason": 0}])


def test_a_finish_that_nobody_understands_is_no_heartbeat():
    exchange = asked(sse([*TEXT[:-1], FINISH_0]))
    assert told(normalize(exchange).exchange.body) == ["", "a", "b", "finish:0", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_a_ping_does_not_say_whose_stream_it_is():
    """Without a request the first event that tells decides; a ping is anybody's."""
    exchange = replace(asked(b'data: {"type":"ping"}\n\n' + sse(TEXT)), request=None)
    assert analyze(exchange).api == "chat.completions"
    assert told(normalize(exchange).exchange.body) == [":", "", "a", "b", "finish:stop", "[DONE]"]


def test_a_comment_keeps_its_place_before_done_while_a_call_waits_for_its_name():
    nameless = chunk(
        {"role": "assistant", "content": None, "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    )
    exchange = asked(sse([nameless, chunk({}, "tool_calls")], done=False) + b": ok\n\ndata: [DONE]\n\n")
    assert told(normalize(exchange).exchange.body) == ["", "{}", "finish:tool_calls", ":", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_one_bracket_is_no_beginning_of_an_answer_that_comes_again():
    exchange = asked(sse(chat_text("{")[:2], done=False) + b'data: {"id":"x","cho\n\n')
    assert told(normalize(exchange).exchange.body) == ["", "{", "error"]


def test_the_role_does_not_wait_with_a_finish_for_the_name_of_a_call():
    """A fragment without a name finishes the answer, and the name comes behind it."""
    nameless = chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"'}}]}, "tool_calls")
    exchange = replace(asked(sse([nameless, *chat_tool()[:1], *chat_tool()[2:-1]])), request=None)
    repaired = normalize(exchange).exchange
    first, *rest = _chunks(repaired.body)
    assert reading.delta(first["choices"][0])["role"] == "assistant"
    assert not any("role" in reading.delta(one["choices"][0]) for one in rest)
    assert broken_laws(exchange) == {}


def test_usage_of_a_gateways_own_before_the_answer_gives_it_no_id():
    """It has none, and a made one would take the place of the answer's."""
    usage = streams.dump({"usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}})
    exchange = asked(b"event: metadata\ndata: " + usage + b"\n\n" + sse(TEXT))
    chunks = _chunks(normalize(exchange).exchange.body)
    assert {(one["id"], one["created"]) for one in chunks} == {(streams.ID, streams.CREATED)}
    assert told(normalize(exchange).exchange.body) == ["", "a", "b", "finish:stop", "usage", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_a_chunk_without_choices_behind_a_lone_choice_1_is_no_fault_of_ours():
    """It raised, and the rest of the answer went by unrepaired."""
    exchange = asked(sse([chunk({"role": "assistant", "content": "a"}, index=1), *chat_usage()[-1:]]), usage=True)
    repaired = normalize(exchange)
    assert not repaired.failed
    assert told(repaired.exchange.body) == ["a", "usage", "[DONE]"]
    assert "choice-index-is-token-counter" in repaired.changes
    assert "n-greater-1-interleaving" not in repaired.changes


@pytest.mark.parametrize("own", [True, False], ids=["a chunk of usage too", "x_groq alone"])
@pytest.mark.parametrize("failed", [True, False], ids=["an error ends it", "whole"])
def test_usage_of_x_groq_on_a_finish_that_text_follows_is_sent_once(own, failed):
    finish = {**TEXT[-1], "x_groq": {"id": "req_1", "usage": streams.USAGE}}
    error = {"error": {"message": "x", "type": "server_error", "param": None, "code": None}}
    made = [*TEXT[:-1], finish, chunk({"content": "c"}), *chat_usage()[-1:] * own, *[error] * failed]
    exchange = asked(sse(made), usage=True)
    went = told(normalize(exchange).exchange.body)
    assert went.count("usage") == 1
    assert went == ["", "a", "b", "", "c", *[["finish:stop", "usage"], ["usage", "error"]][failed], "[DONE]"]
    assert "x_groq" in str(_chunks(normalize(exchange).exchange.body)[3])
    assert broken_laws(exchange) == {}


def test_usage_of_x_groq_stays_where_a_finish_that_is_repeated_has_it():
    finish = {**TEXT[-1], "x_groq": {"id": "req_1", "usage": streams.USAGE}}
    again = {**finish, "choices": [{**finish["choices"][0], "index": None}]}
    usage = chat_usage()[-1]
    exchange = asked(sse([*TEXT[:-1], finish, usage, chunk({"content": "c"}), finish, again, usage]), usage=True)
    repaired = normalize(exchange).exchange
    assert told(repaired.body) == ["", "a", "b", "", "c", "finish:stop", "", "usage", "[DONE]"]
    assert repaired.body.count(b"x_groq") == 3
    assert broken_laws(exchange) == {}
