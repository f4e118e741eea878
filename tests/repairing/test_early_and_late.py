"""What comes before its turn, or behind it: where it goes, and that a second repair finds nothing to do."""

from __future__ import annotations

import pytest

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.wire.stream import StreamDecoder
from tests import messages, streams
from tests.harm_laws import broken_laws
from tests.repairing.test_harm_kinds import BEAT, asked, errors, told
from tests.repairing.test_harm_kinds import named as with_name
from tests.streams import call, chat_text, chat_usage, chunk, sse

TEXT = chat_text("a", "b")
DONE = b"data: [DONE]\n\n"
BUSY = b'event: error\ndata: {"message":"busy","code":503}\n\n'
MARKUP = chat_text("<tool_call>\n", '{"name":"get_weather","arguments":{"city":"Oslo"}}', "\n</tool_call>")[1:-1]


def _calls(*pieces: tuple[int, str]) -> list[dict]:
    return [chunk({"tool_calls": [call(index, arguments=piece)]}) for index, piece in pieces]


INTERLEAVED = [
    chunk({"role": "assistant", "content": None}),
    chunk({"tool_calls": [call(0, "call_a", "get_weather")]}),
    chunk({"tool_calls": [call(1, "call_b", "get_weather")]}),
    *_calls((0, '{"city":'), (1, '{"city":')),
]
REST = [*_calls((0, '"Oslo"}'), (1, '"Rome"}')), chunk({}, "tool_calls")]
SECOND = call(1, "call_b", "get_weather", "{}")
NAMELESS = [TEXT[0], *_calls((0, "{}"))]
RUNNING = {"include_usage": True, "continuous_usage_stats": True}
COUNTED = [{**one, "usage": {"prompt_tokens": 1, "completion_tokens": at}} for at, one in enumerate(TEXT)]
LAST_COUNT = chunk(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 3})
JUNK_FINISH = chunk({}, [None])  # type: ignore[arg-type]

#: kind -> what came, whether repairs may guess, and what goes out
KINDS = {
    "a [DONE] among calls that go on behind it": (
        asked(sse(INTERLEAVED) + sse(REST), tools=True),
        False,
        ["", "", '{"city":', '"Oslo"}', "", '{"city":', '"Rome"}', "finish:tool_calls", "[DONE]"],
    ),
    "a [DONE] before choice 0, which opens behind choice 1": (
        asked(sse([chunk({"role": "assistant", "content": "B"}, index=1)]) + sse(TEXT), n=2),
        False,
        ["", "B", "a", "b", "finish:stop", "[DONE]"],
    ),
    "usage before choice 0, which opens behind choice 1": (
        asked(sse([chunk({"role": "assistant", "content": "B"}, index=1), chat_usage()[-1], *TEXT]), n=2, usage=True),
        False,
        ["", "B", "a", "b", "finish:stop", "usage", "[DONE]"],
    ),
    "markup of a call that goes on behind the finish, and of which no name had come": (
        asked(sse([TEXT[0], MARKUP[0], TEXT[-1], *MARKUP[1:]]), tools=True),
        True,
        ["", '{"city": "Oslo"}', "finish:tool_calls", "[DONE]"],
    ),
    "text behind a finish for the sake of calls that are none": (
        asked(sse([TEXT[0], chunk({}, "tool_calls"), chunk({"content": "a"})]), tools=True),
        True,
        ["", "a", "finish:stop", "[DONE]"],
    ),
    "text behind a finish, each with a running count": (
        asked(sse([COUNTED[0], COUNTED[3], *COUNTED[1:3], LAST_COUNT]), stream_options=RUNNING),
        False,
        ["usage", "a", "b", "finish:stop", "usage", "[DONE]"],
    ),
    "a keep-alive between two finishes, while a call waits for its name": (
        asked(sse([*NAMELESS, JUNK_FINISH, BEAT, chunk({}, "tool_calls")]), tools=True),
        False,
        ["", "{}", "finish:[None]", ":", "finish:tool_calls", "[DONE]"],
    ),
    "a reason that nobody knows before one that means something": (
        asked(sse([*TEXT[:3], chunk({}, "NoneNone"), chunk({}, "length")])),
        False,
        ["", "a", "b", "finish:length", "[DONE]"],
    ),
    "no call in tool_calls, while a call waits for its name": (
        asked(sse([*NAMELESS, chunk({"tool_calls": "x"}), BEAT, chunk({}, "tool_calls")]), tools=True),
        False,
        ["", "", ":", "{}", "finish:tool_calls", "[DONE]"],
    ),
    "usage before an error, while a call waits for its name": (
        asked(sse([*NAMELESS, chat_usage()[-1]], done=False) + BUSY, tools=True, usage=True),
        False,
        ["", "{}", "usage", "error"],
    ),
    "a finish that says nothing beside a call that is read out of text": (
        asked(sse([TEXT[0], *MARKUP, chunk({}, [])]), tools=True),  # type: ignore[arg-type]
        True,
        ["", '{"city": "Oslo"}', "finish:[]", "finish:tool_calls", "[DONE]"],
    ),
    "half an event between a finish and the end": (
        asked(sse(TEXT, done=False) + b'data: {"id":"x"\n\n' + sse(TEXT[-1:])),
        False,
        ["", "a", "b", "finish:stop", "error", "[DONE]"],
    ),
    "half an event before an object that is an error, and one that may be a remark": (
        asked(sse([*TEXT[:2], b'{"id":"x"', {"object": "error", "message": "dead", "code": 500}, {"message": "slow"}])),
        False,
        ["", "a", "error", "error", "error", "[DONE]"],
    ),
    "half an event before a remark": (
        asked(sse([*TEXT[:2], b'{"id":"x"', {"message": "slow"}, *TEXT[2:]])),
        False,
        ["", "a", "error", ":", "b", "finish:stop", "[DONE]"],
    ),
    "a keep-alive and one line end between two members": (
        asked(sse(TEXT[:2], done=False) + sse(TEXT[2:]).replace(b'"choices"', b': beat\r"choices"', 1)),
        False,
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "usage on the finish, before an error": (
        asked(sse([*TEXT[:3], {**TEXT[3], "usage": chat_usage()[-1]["usage"]}], done=False) + BUSY, usage=True),
        False,
        ["", "a", "b", "finish:stop", "usage", "error"],
    ),
    "a call with the finish of the answer, while another waits for its name": (
        asked(sse([*NAMELESS, chunk({"tool_calls": [SECOND]}, "tool_calls")]), tools=True),
        False,
        ["", "{}", "{}", "finish:tool_calls", "[DONE]"],
    ),
    "a [DONE] behind an opening whose content is null": (
        asked(sse([chunk({"role": "assistant", "content": None})]) + sse(TEXT[1:])),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "plain text in an answer whose end is guessed": (
        asked(sse([*TEXT[:2], b"WARN slow", TEXT[2]])),
        True,
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "a line end before the colon of a member": (
        asked(sse(TEXT[:3], done=False) + sse(TEXT[3:]).replace(b':"stop"', b'\n:"stop"')),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "an error in a field of its own, or in data, and a chunk on the next line": (
        asked(sse(TEXT[:1], done=False) + b'error: {"code":500,"message":"boom"}\n' + sse(TEXT[1:3], done=False)
              + b'data: {"error":{"message":"boom"}}\n' + sse(TEXT[3:])),
        False,
        ["", "error", "a", "b", "error", "finish:stop", "[DONE]"],
    ),
    "an event named error that another one without a blank line follows": (
        asked(sse(TEXT[:2], done=False) + BUSY[:-1] + with_name(b"metadata", b'{"id":"m-1"}') + DONE),
        False,
        ["", "a", "error", ":", "[DONE]"],
    ),
    "a reason that nobody knows among the parts of an answer": (
        asked(sse([
            chunk({"role": "assistant", "reasoning_content": "hm"}, "assistant"), chunk({"content": "a"}, index=1),
            chunk({}, "stop", index=2),
        ])),
        False,
        ["", "a", "finish:stop", "[DONE]"],
    ),
    "half an event before another, with which the stream ends": (
        asked(sse([*TEXT[:2], b'{"id":"x"', b'{"id":"y"'], done=False)),
        False,
        ["", "a", "error", "error"],
    ),
    "a second finish for the sake of calls where none came": (
        asked(sse([*TEXT, chunk({}, "tool_calls")]), tools=True),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "a chunk, and what is no JSON on the next line of its event": (
        asked(sse(TEXT[:2], done=False) + streams.frame(TEXT[2])[:-1] + b"{'id':1}\n\n" + sse(TEXT[3:])),
        False,
        ["", "a", ":", "b", "finish:stop", "[DONE]"],
    ),
    "an error of a proxy behind an object, in an event named done that has no end": (
        asked(b"event: done\ndata: {}upstream connect error"),
        False,
        ["error"],
    ),
    "a chunk behind a field that lost its line end": (
        asked(sse(TEXT[:3], done=False) + b"retry: 3000" + streams.dump(TEXT[3]) + b"\n\n" + DONE),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "a chunk, and a cut one with a whole one behind it, on the next line": (
        asked(sse(TEXT[:1], done=False) + streams.frame(TEXT[1])[:-1] + b'data: {"id":"x","cho' + sse(TEXT[2:])),
        False,
        ["", "a", "b", "finish:stop", "[DONE]"],
    ),
    "a brace, {} and an object as the arguments of a call": (
        asked(sse([
            TEXT[0], chunk({"tool_calls": [call(0, "call_a", "get_weather", "{")]}),
            *_calls((0, "{}"), (0, '{"city":"Oslo"}')), chunk({}, "tool_calls"),
        ]), tools=True),
        False,
        ["", "{", "{}", '{"city":"Oslo"}', "finish:tool_calls", "[DONE]"],
    ),
    "a finish with a running count before text that an error ends": (
        asked(sse([COUNTED[0], COUNTED[3], COUNTED[1], {"error": {"message": "busy"}}]), stream_options=RUNNING),
        False,
        ["usage", "a", "usage", "error", "[DONE]"],
    ),
    "half an event before an empty chunk and the end": (
        asked(sse([*TEXT[:2], b'{"id":"x"', chunk(choices=[])])),
        False,
        ["", "a", "error", "[DONE]"],
    ),
    "a whole chunk before one that the end of the body cuts": (
        asked(sse(TEXT[:2], done=False) + streams.frame(TEXT[2])[:-1] + streams.frame(TEXT[3])[:90]),
        False,
        ["", "a", "b", "error"],
    ),
    "half an event at the end, with a comment in it": (
        asked(sse(TEXT[:2], done=False) + b'data: {"id":"chatcmpl-1": hea'),
        False,
        ["", "a", "error"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_out(kind):
    exchange, guesses, out = KINDS[kind]
    repaired = normalize(exchange, unsafe=guesses).exchange
    assert told(repaired.body) == out
    assert normalize(repaired, unsafe=guesses).exchange.body == repaired.body
    assert broken_laws(exchange) == {}


def test_a_running_count_goes_with_the_finish_that_goes_behind_text():
    repaired = normalize(KINDS["text behind a finish, each with a running count"][0]).exchange.body
    counts = [event.json["usage"]["completion_tokens"] for event in StreamDecoder().feed(repaired)[:-1]]
    assert counts == [0, 1, 2, 3, 3]


def test_python_and_a_payload_that_is_torn_at_a_blank_line():
    """What cannot go on keeps nothing from being put together that comes behind it."""
    python = streams.frame(streams.dump(TEXT[0]).replace(b'"', b"'").replace(b"null", b"None"))
    torn = streams.frame(TEXT[1]).replace(b'"choices"', b'"choice\n\ns"')
    exchange = asked(python + torn + sse(TEXT[2:]))
    assert errors_left(normalize(exchange)) == ("json-python-repr",)
    assert told(normalize(exchange, unsafe=True).exchange.body) == ["", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_whether_a_chunk_without_choices_is_one_of_audio_is_asked_of_the_model_that_goes_out():
    bare = {key: value for key, value in TEXT[1].items() if key != "choices"}
    exchange = asked(sse([TEXT[0], {**bare, "model": "gpt-audio"}, *TEXT[1:]]))
    assert errors(normalize(exchange).exchange) == set()
    assert broken_laws(exchange) == {}


def test_a_marker_as_the_last_text_is_found_before_an_error():
    exchange = asked(sse([*TEXT[:2], chunk({"content": "[DONE]"})], done=False) + BUSY + DONE)
    assert "content-holds-done-marker" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_cut_behind_an_answer_that_an_error_began_is_told():
    """The connection broke: without a word of it, the second repair would take the answer for whole."""
    exchange = streams.exchange([BUSY + sse(TEXT, done=False)], ending=Ending.UPSTREAM_CUT)
    repaired = normalize(exchange).exchange
    assert told(repaired.body) == ["error", "", "a", "b", "finish:stop", "error"]
    assert broken_laws(exchange) == {}


def test_a_comment_with_the_rest_of_a_payload_is_not_read_as_that_rest():
    """A repair wrote it so, since another event stands between the two."""
    torn = streams.frame(TEXT[1]).replace(b'"a"', b'"a: heartbeat\n\nb"')
    torn = torn.replace(b"\n\nb", b"\n\n" + with_name(b"metadata", b'{"id":"m-1"}') + b"b")
    exchange = asked(sse(TEXT[:1], done=False) + torn + sse(TEXT[2:]))
    assert "sse-comment-inside-data" not in errors(normalize(exchange).exchange)
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": "{"},
        {"choices": ["x"]},
        {"choices": None},
        {"choices": [{"delta": "[DONE]"}]},
        {"choices": [{"delta": {}, "finish_reason": [None]}]},
        {"choices": [{"delta": {}, "finish_reason": "x"}]},
    ],
)
def test_a_keep_alive_with_junk_in_it_gives_the_answer_no_id(odd):
    exchange = asked(sse([{**BEAT, **odd}, *TEXT]))
    assert normalize(exchange).exchange.body.partition(b"\n\n")[2] == sse(TEXT)
    assert broken_laws(exchange) == {}


def test_a_payload_that_is_torn_at_two_blank_lines():
    torn = streams.frame(TEXT[1]).replace(b'"choices"', b'"choi\n\nces"').replace(b'"content"', b'"con\n\ntent"')
    exchange = asked(sse(TEXT[:1], done=False) + torn + sse(TEXT[2:]))
    assert errors(exchange) == {"sse-raw-newline-in-json"}
    assert normalize(exchange).exchange.body == sse(TEXT)
    assert broken_laws(exchange) == {}


def test_a_line_that_belongs_to_nothing_between_the_halves_of_a_payload():
    torn = streams.frame(TEXT[1]).replace(b'"choices"', b': heartbeat\n\nnoise\n\n"choices"')
    repaired = normalize(asked(sse(TEXT[:1], done=False) + torn + sse(TEXT[2:]))).exchange
    assert told(repaired.body) == ["", ":", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(asked(sse(TEXT[:1], done=False) + torn + sse(TEXT[2:]))) == {}


def test_what_is_spliced_or_has_its_prefix_twice_may_lie_on_many_lines():
    """One event comes out as one line of data."""
    lines = streams.dump(TEXT[2]).replace(b",", b",\ndata: ")
    spliced = asked(sse(TEXT[:2], done=False) + b'data: {"id":"x","mo' + b"data: " + lines + b"\n\n" + sse(TEXT[3:]))
    assert normalize(spliced).exchange.body == sse(TEXT)
    loose = asked(sse(TEXT[:2], done=False) + b"data: data: " + lines.replace(b"data: ", b"") + b"\n\n" + sse(TEXT[3:]))
    assert normalize(loose).exchange.body == sse(TEXT)
    assert broken_laws(spliced) == broken_laws(loose) == {}


def test_choices_under_another_name_are_kept_in_a_comment():
    lost = {key: value for key, value in TEXT[1].items() if key not in ("object", "choices")}
    exchange = asked(sse([TEXT[0], {**lost, "object": TEXT[1]["choices"]}, *TEXT[2:]]))
    assert b'"content":"a"' in normalize(exchange).exchange.body
    assert broken_laws(exchange) == {}


def test_an_answer_starts_over_behind_an_object_that_is_no_chunk_as_well():
    again = [{**one, "id": "chatcmpl-again"} for one in TEXT]
    exchange = asked(sse([{}, *TEXT[:3], *again]))
    assert "answer-starts-over" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_broken_event_is_named_the_same_where_the_last_one_breaks_off_too():
    """Where events have names: the repair ends the stream with an error once it said how the answer ends."""
    good = messages.sse(messages.text("a", "b"))
    body = good.replace(b'"text_delta","text":"a"', b'"text_de').replace(b'"message_stop"}', b'"message_st')
    exchange = messages.exchange(body)
    assert "json-malformed" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_the_name_of_an_event_that_becomes_a_comment_is_utf8_there():
    odd = b'event: warn\xffing\ndata: {"note":1}\n\n'
    exchange = asked(sse(TEXT[:2], done=False) + odd + sse(TEXT[2:]))
    assert errors(normalize(exchange).exchange) == set()
    assert broken_laws(exchange) == {}


def test_a_list_among_calls_is_left_where_it_is():
    listed = [call(0, "call_a", "get_weather", "{}"), [SECOND]]
    listed.append(call(1, "call_c", "get_weather", "{}"))
    exchange = asked(sse([TEXT[0], chunk({"tool_calls": listed}), chunk({}, "tool_calls")]), tools=True)
    assert b"call_b" in normalize(exchange).exchange.body
    assert errors_left(normalize(exchange)) == ("tool-call-not-in-array",)
    assert broken_laws(exchange) == {}


def test_the_index_of_a_choice_counts_no_parts_once_another_choice_went_out():
    exchange = asked(sse([*TEXT[:2], chunk({"content": "B"}, index=1), TEXT[1], chunk({}, "stop", index=2)]))
    chunks = StreamDecoder().feed(normalize(exchange).exchange.body)[:-1]
    assert [one.json["choices"][0]["index"] for one in chunks] == [0, 0, 1, 0, 2]
    assert broken_laws(exchange) == {}


def test_a_part_of_the_answer_may_be_a_text_in_place_of_a_delta():
    reasoning = chunk({"role": "assistant", "reasoning_content": "hm"})
    text = chunk(index=1)
    text["choices"][0]["delta"] = "Hello"
    exchange = asked(sse([reasoning, text, chunk({}, "stop", index=2)]))
    assert errors(normalize(exchange).exchange) == set()
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize("place", ["choice", "x_groq"])
def test_usage_that_is_no_numbers_stays_where_it_is(place):
    odd = {"prompt_tokens": 1, "completion_tokens": {"x": 1}, "total_tokens": 2}
    finish = chunk({}, "stop", **({"x_groq": {"usage": odd}} if place == "x_groq" else {}))
    if place == "choice":
        finish["choices"][0]["usage"] = odd
    exchange = asked(sse([*TEXT[:3], finish]), usage=True)
    assert told(normalize(exchange).exchange.body) == ["", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_a_call_behind_an_error_does_not_go_on_after_a_finish():
    """Nobody reads on there; that the answer does is a finding of its own."""
    calls = [TEXT[0], chunk({"tool_calls": [call(0, "call_a", "get_weather", "{}")]}, "tool_calls")]
    exchange = asked(sse([*calls, {"error": {"message": "busy"}}], done=False) + sse([chunk({"tool_calls": [SECOND]})]))
    assert "tool-call-finish-per-call" not in errors(exchange)
    assert "error-then-no-done" in {one.rule for one in analyze(exchange).findings}


def test_a_torn_payload_behind_another_that_cannot_go_on():
    first = b'data: {"id":"x","object":"y",: keep-alive\n\n"created":1,"choices":[{"delta":{"content":"a: heartbeat\n\n'
    torn = streams.frame(TEXT[1]).replace(b'"a"', b'"a: heartbeat\n\nb"')
    exchange = asked(sse(TEXT[:1], done=False) + first + torn + sse(TEXT[2:]))
    assert b'"content":"ab"' in normalize(exchange).exchange.body
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize(
    "end", [DONE, b'data: {"error":{"message":"boom","type":"t","param":null,"code":null}}\n\n', b""]
)
def test_half_a_character_that_gets_no_other_half_goes_before_the_end(end):
    body = sse(chat_text("a", "HALF")[:3], done=False).replace(b'"HALF"', rb'"\ud83c"') + end
    mended = normalize(asked(body))
    repaired = mended.exchange
    assert "surrogate-escape-split" in {one.rule for one in mended.unrepaired}
    assert repaired.body.startswith(body.removesuffix(end))
    assert normalize(repaired).exchange.body == repaired.body
    assert broken_laws(asked(body)) == {}


def test_a_character_in_two_halves_is_one_in_the_chunk_of_the_second():
    body = sse(chat_text("a", "HALF", "REST")).replace(b'"HALF"', rb'"\ud83c"').replace(b'"REST"', rb'"\udf89!"')
    repaired = normalize(asked(body))
    assert told(repaired.exchange.body) == ["", "a", "\U0001f389!", "finish:stop", "[DONE]"]
    assert [one.rule for one in repaired.dropped] == ["surrogate-escape-split"]
    assert broken_laws(asked(body)) == {}


def test_a_choice_before_choice_0_may_count_what_there_is_of_the_one_answer():
    counted = [chunk({"content": piece}, index=at) for at, piece in enumerate(("b", "c", "d"), 1)]
    exchange = asked(
        sse([counted[0], chunk({"role": "assistant", "content": "a"}), *counted[1:], chunk({}, "stop", 4)])
    )
    assert broken_laws(exchange) == {}


def test_null_that_stood_beside_a_call_is_no_content_once_the_call_waits():
    delta = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call(0, "call_a")]}
    del delta["tool_calls"][0]["function"]["name"]
    named = {"index": 0, "function": {"name": "get_weather", "arguments": "{}"}}
    exchange = asked(sse([chunk(delta, [None]), chunk({"tool_calls": [named]}), chunk({}, "tool_calls")]), tools=True)
    assert b'"content"' not in normalize(exchange).exchange.body
    assert broken_laws(exchange) == {}


def test_a_tab_in_what_is_torn_at_a_blank_line():
    torn = streams.frame(TEXT[1]).replace(b'"a"', b'"a\n\n\tb"')
    repaired = normalize(asked(sse(TEXT[:1], done=False) + torn + sse(TEXT[2:]))).exchange
    assert told(repaired.body) == ["", "a\n\n\tb", "b", "finish:stop", "[DONE]"]
