"""What a repair of Messages streams may never do, over streams that nobody wrote (see mutations).

`make fuzz` takes other numbers every time.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, errors_left, normalize
from streamlab.rules.finding import Severity
from tests.apis.anthropic.mutations import mutated
from tests.apis.event_mutations import SERVERS
from tests.examples import examples
from tests.harm_laws import broken_laws
from tests.messages import (
    CASES,
    PATH,
    PING,
    ended,
    exchange,
    frame,
    opened,
    request_for,
    said,
    sse,
    start,
    text,
    tool,
    typed,
)
from tests.mutations import mutated as mutated_bytes

#: Payloads that run together are no events for anybody, so what is wrong with them shows once they are parted.
_HIDES = {"sse-missing-blank-line", "sse-multiple-json-in-one-data"}


def _errors(made: Exchange) -> set[str]:
    return {one.rule for one in analyze(made).findings if one.severity is Severity.ERROR}


def _bare(made: Exchange) -> Exchange:
    return Exchange(request=made.request, head=None, segments=(Segment(None, made.body),), ending=made.ending)


def _names(made: Exchange) -> list[str]:
    held = analyze(made).completion or {}
    return sorted((call["function"]["name"] or "").lower() for call in held.get("tool_calls") or [])


def _fed(made: Exchange, step: int, *, unsafe: bool) -> bytes:
    normalizer, body = Normalizer(made.request, made.head, unsafe=unsafe), made.body
    pieces = [normalizer.feed(body[at : at + step]) for at in range(0, len(body), step)]
    return b"".join(pieces) + normalizer.finish(made.ending)


@given(st.integers(0, 2 * SERVERS), st.booleans(), st.sampled_from([1, 17, 400]))
@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(68, False, 17)
@example(26864502, False, 400)  # a delta whose type is an object
def test_laws_of_repair(number, unsafe, step):
    made = mutated(number)
    before = _errors(made)
    normalized = normalize(made, unsafe=unsafe)
    repaired = normalized.exchange
    assert not normalized.failed
    assert before & _HIDES or _errors(repaired) <= before
    assert errors_left(normalized) or not _errors(_bare(repaired))
    # A guess about text waits for a block that is whole, which it may be only once it was repaired.
    guesses = unsafe and any(mark in repaired.body for mark in (b"invoke name", b"<think>"))
    assert guesses or normalize(repaired, unsafe=unsafe).exchange.body == repaired.body
    assert _fed(made, step, unsafe=unsafe) == repaired.body
    called = "<" in made.body.decode("utf-8", "replace") and unsafe  # markup may become calls
    assert called or "choices" in str(made.body) or _names(made) == _names(repaired)


def _repaired(events, *, unsafe=False):
    return normalize(exchange(events if isinstance(events, bytes) else sse(events)), unsafe=unsafe)


def _held(normalized):
    return analyze(normalized.exchange).completion


def test_a_word_for_a_call_stays_where_there_is_no_call():
    """Where Claude Code only passes over ``tool_calls``, it asks three times at ``tool_use`` without a call."""
    events = text()
    events[7] = ended("tool_calls")
    repaired = _repaired(events)
    assert _held(repaired)["finish_reason"] == "tool_calls"
    [found] = [one for one in analyze(exchange(sse(events))).findings if one.rule == "messages-stop-reason-unknown"]
    assert str(found.repairability) == "none"


def test_input_in_the_start_is_sent_once_whatever_stands_before_its_deltas():
    events = tool()
    events[5] = opened(1, "tool_use", input={"path": "/notes/today.md"})
    events.insert(6, {"type": "new_event"})
    held = _held(_repaired(events))
    assert held["tool_calls"][0]["function"]["arguments"] == PATH


@pytest.mark.parametrize("end", ["cut", "error"])
def test_input_in_the_start_is_kept_where_the_stream_breaks_off(end):
    events = [start(), opened(0, "tool_use", input={"path": "/a"})]
    if end == "error":
        events.append({"type": "error", "error": {"type": "api_error", "message": "x"}})
    assert _held(_repaired(events))["blocks"][0]["input"] == {"path": "/a"}


def test_null_as_input_stays_where_nothing_says_that_it_is_whole():
    events = [start(), opened(0, "tool_use"), *typed(0, "null")]
    assert b'"partial_json":"null"' in _repaired(events).exchange.body


def test_an_open_block_is_closed_before_a_message_delta_that_came_too_early():
    events = text()
    events.insert(1, events.pop(7))
    pings = [*events[:6], PING, PING, *events[6:]]
    kinds = [line for line in _repaired(pings).exchange.body.splitlines() if line.startswith(b"event: ")]
    assert kinds.index(b"event: content_block_stop") < kinds.index(b"event: message_delta")


def test_a_line_that_is_no_field_does_not_join_events_that_are_whole():
    body = sse(text())
    torn = body.replace(b"\n\nevent: message_delta", b"\nvent: message_delta")
    repaired = _repaired(torn)
    assert _held(repaired)["finish_reason"] == "end_turn"
    assert _errors(repaired.exchange) == set()


def test_events_without_blank_lines_keep_their_own_names():
    events = text()
    bare = frame({key: value for key, value in events[3].items() if key != "type"}, "content_block_delta")
    body = b"".join([*map(frame, events[:3]), bare, *map(frame, events[4:])]).replace(b"\n\n", b"\n") + b"\n"
    assert _held(_repaired(body))["content"] == "Spring is here."


def test_text_between_events_becomes_a_comment():
    events = [frame(event) for event in text()]
    repaired = _repaired(b"".join([*events[:3], b"data: busy\n\n", *events[3:]]))
    assert b": busy" in repaired.exchange.body
    assert _errors(repaired.exchange) == set()


def test_what_comes_after_another_answer_began_is_not_promised_a_repair():
    again = [*text()[:5], start(id="msg_01Other0000000000000000"), *text()[1:]]
    found = {one.rule: str(one.repairability) for one in analyze(exchange(sse(again))).findings}
    assert set(found.values()) == {"none"}


def test_an_answer_that_began_anew_and_broke_off_has_no_end_made_up():
    again = [*text()[:8], start(id="msg_01Other0000000000000000"), *text()[1:5]]
    assert b"event: message_stop" not in _repaired(again).exchange.body


# -- what only --unsafe does -----------------------------------------------------------------------------------------


def _chunk(delta, reason=None, **members):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **members}


def _call(index, call_id, name, arguments):
    return {"tool_calls": [{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}]}


def test_chat_chunks_become_a_message():
    chunks = [
        _chunk({"role": "assistant", "content": "", "reasoning_content": "Hm."}),
        _chunk({"content": "I look."}),
        _chunk(_call(0, "call_1", "read_file", "")),
        _chunk({"tool_calls": [{"index": 0, "function": {"arguments": PATH}}]}),
        _chunk(_call(1, "call_2", "read_file", '{"path": "/b"}')),
        _chunk({}, "tool_calls"),
        {**_chunk({}), "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}},
    ]
    made = exchange(b"".join(frame(one, None) for one in [*chunks, b"[DONE]"]))
    assert normalize(made).exchange.body.startswith(b"data: {")
    repaired = normalize(made, unsafe=True).exchange
    held = analyze(repaired).completion
    assert (held["reasoning"], held["content"], held["finish_reason"]) == ("Hm.", "I look.", "tool_use")
    assert [call["function"]["arguments"] for call in held["tool_calls"]] == [PATH, '{"path": "/b"}']
    assert [block["type"] for block in held["blocks"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert held["usage"]["output_tokens"] == 9
    assert _errors(repaired) == set()


def test_chat_chunks_that_break_off_end_with_an_error():
    made = exchange(b"".join(frame(_chunk({"content": "a"}), None) for _ in range(2)))
    repaired = normalize(made, unsafe=True).exchange
    assert b"event: error" in repaired.body
    assert b"message_stop" not in repaired.body


_INVOKE = '<invoke name="read_file">\n<parameter name="path">/notes/today.md</parameter>\n</invoke>'
_FORMS = {
    "invoke": _INVOKE,
    "in function_calls": f"<function_calls>\n{_INVOKE}\n</function_calls>",
    "tool_call": '<tool_call>\n{"name": "read_file", "arguments": {"path": "/notes/today.md"}}\n</tool_call>',
    "function=": '<function=read_file>{"path": "/notes/today.md"}</function>',
}


@pytest.mark.parametrize("step", [3, 1000])
@pytest.mark.parametrize("form", _FORMS)
def test_a_call_in_the_text_becomes_one(form, step):
    whole = f"I look.\n{_FORMS[form]}"
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    made = exchange(sse([start(), opened(0), *said(0, *pieces), *text()[6:]]))
    held = analyze(normalize(made, unsafe=True).exchange).completion
    assert (held["content"], held["finish_reason"]) == ("I look.\n", "tool_use")
    assert held["tool_calls"][0]["function"]["name"] == "read_file"
    assert held["blocks"][1]["input"] == {"path": "/notes/today.md"}


@pytest.mark.parametrize(
    "kept",
    [
        _INVOKE.replace("</invoke>", ""),
        _INVOKE.replace("read_file", "other"),
        f"{_INVOKE}\nThat is how it is done.",
        f"```\n{_INVOKE}\n```",
        "a < b and <b>bold</b>",
    ],
)
def test_text_that_is_not_whole_calls_of_offered_tools_stays(kept):
    made = exchange(sse(text("I look.\n", kept)))
    assert normalize(made, unsafe=True).exchange.body == made.body


def test_without_tools_markup_is_text():
    made = exchange(sse(text(_INVOKE)), request=request_for(tools=[]))
    assert normalize(made, unsafe=True).exchange.body == made.body


# -- what mutations showed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        3778753,  # a comment between message_delta and a delta that comes after the block's end
        82838545,  # another message begins while blocks are numbered anew
        113323171,  # and while one block waits for the end of another
        722168423,  # a block's stop, then its deltas, and no start
        420702138,  # the same with the input of a tool
        856785675,  # text in a block of redacted thinking that has no data
        905513946,  # a thought in tags, in a delta whose type is an object
        581052951,  # message_delta before the end of a text that holds a call
        654227027,  # the reason stands on message_stop, behind input that is no JSON
        818635833,  # a call in the text of a block that was never opened, only closed
        674912583,  # the text stands in message_start, and a stray delta has its number
        936659969,  # message_stop among chunks of chat completions
        61835517,  # and an error behind it
        999437306,  # another block is opened while the text may hold a call
        833049334,  # a second message_start that holds a delta
        889793803,  # a delta of an unknown type has a piece of input
        950656670,  # a block's start has an error beside it
        923377405,  # message_stop gives the reason in chat's words
        848147033,  # thinking beside a citation
        716757161,  # message_start holds a block of no type
        14053781,  # and has its members on the top level
        869892597,  # an error with a name beside it
        97024896,  # comments behind message_delta, while a call waits for input that bears another number
        979592183,  # an event that nobody can read, while blocks are followed
        692438409,  # such a block takes the number of an open call
        724708243,  # and is closed with it
        13736208,  # a second message_start that holds content
        393411497,  # a call that is restarted after one of the same id
        470971309,  # input among chunks of chat completions
        558668099,  # a call behind the end
        253428631,  # thinking in tags in a block whose start has a name
        347940465,  # a piece that is said again counts tokens
        513875187,  # message_stop among the blocks
        766704472,  # and before input that is cut
        593230939,  # another answer behind a message that had no reason
        481676590,  # the same with a reason that is no word
        241377389,  # a call behind it
        188906830,  # a piece of input that is an object, and then the whole
        315923232,  # the same before pieces that are said again
        737002501,  # input in a block of redacted thinking that has no data
        165192757,  # the name of message_start stands over a delta, and its members in one
        497402232,  # the same with a content_block_stop
        600872154,  # a text stands in a content_block_stop
        287568517,  # a reason and usage in another one, and no index
        349652707,  # another message that breaks off while a block of the first is open
        154021559,  # another message, and a block that waited for the end of one of no type
        463062438,  # an event that nobody can read before a late message_start
        976554299,  # deltas without a type in a block of redacted thinking that has no data
        349308621,  # comments while message_stop waits for its reason
        318918211,  # an unknown event behind one that is torn
        590124177,  # a call behind a message_stop that came first
        432310729,  # usage in a delta whose text is null
        583858778,  # input of the one open block, under whose index another one was closed
        468997217,  # a call as text in a thinking block
        433031121,  # chunks of chat completions, then message_stop first
        571514450,  # a second message_start with text of its own
        259716530,  # a chunk of chat completions before a message_start that comes twice
        186949584,  # input in a block of redacted thinking without data, while a text is open
        978827793,  # the same between its deltas
        816634562,  # chunks of chat completions before a flat message_start that comes twice
        232699510,  # the types of message_start and message_delta are swapped
        76015307,  # a type that is an object behind JSON that breaks off
        545845407,  # a second message_start with a piece of input in its message
        862812247,  # a call as text behind input that nobody opened a block for
        87118567,  # message_stop has the reason and usage whose counts are strings
        993277909,  # another message begins while a block waits for the end of one, which comes behind it
        324378396,  # the types of message_start and of a piece of input are swapped
        198197449,  # message_stop has the reason and usage that sets the input to 0
        803060258,  # a piece of input behind the end of its block and message_delta, and comments
        497501285,  # message_start over an index, behind a block that was opened here
        245413385,  # the same over the end of a block, and a message over another
        970185375,  # a block of redacted thinking without data, whose end has a delta
        582969716,  # thinking in tags in a delta that has a name
        28156908,  # a delta under the name of message_delta, and one of the end under that of a piece of input
        322345840,  # an event that breaks off before a message_stop that never comes
        111167678,  # an event that nobody can read while a block waits
        880311707,  # only the end of a block, then a delta that is none, and one of a text
        86443854,  # the same with a delta under the name of a start
        859560988,  # chunks of chat completions before a message_start that holds content
        871618335,  # the same, which nothing follows
        411782298,  # an event that nobody can read behind the end, and a block that is still open
        292754225,  # the name of message_start stands over a delta behind the end, whose reason is a word of chat
        575890563,  # a call begins again, with a member more
        131216175,  # a text begins again, with text that no text has
        810053010,  # a call begins again, with a piece of its input in the start
        418531304,  # a heartbeat that says something, and a stray line in it
        382048019,  # an event is torn, and the end of another API's streams comes behind it
        390676872,  # a block that nobody opened before thinking in tags
        915388382,  # a stop of a block that was never opened, with a block in it, before thinking in tags
        453299875,  # another message begins within a block that was opened here, and opens one of its number
        339405675,  # a block that is numbered anew is closed a second time, with another block in it
        822231427,  # an event breaks off before the stop of another answer
        648878696,  # deltas without a type, of which one thinks as well
        436847717,  # a call begins again, and its name has other letters large
        911681334,  # a call stands as text in message_start
        239091254,  # the types of message_start and of a block's stop are swapped
        837562008,  # two reasons behind message_stop, of which the first does not fit
        593146544,  # a call whose input, in its start, has a member with the name of a text
        685019049,  # a block is closed again with text in that stop, while a call is open
        353262660,  # a call that came whole begins again as it did
        562997488,  # the same behind a text
        508430438,  # a block that goes out as it came is closed again without an index
        800973806,  # a delta of a tool's input that holds text
        575952283,  # half an event before message_start
        439282893,  # a text that grows, whose block has no index at first
        690003889,  # an event breaks off, and another answer that fails comes behind the first
        958800884,  # an empty text with an id in message_start, and nothing behind it
        159777612,  # a stop of a block that is no block's, and another one of it that holds a call
        854283465,  # a block of redacted thinking that has reasoning in its start, and no data
        991079628,  # a call in a text that is closed at no index, and another answer whose text grows
        766904338,  # thinking in tags in another block, before text in a delta of no known type
        670422075,  # input behind the stop of a block that waited for another's
        991334013,  # a message_delta without a reason comes first, and text that is no event behind every event
        90746401,  # among chunks of chat completions one without choices, and message_stop
        840133624,  # the input stands in the start, and comes again behind the end of its block
        942599017,  # another message begins right behind the block of a call whose input stood in its start
        475006161,  # thinking where a piece of input should be
        699721827,  # a chunk of chat completions whose delta is a text
        715394098,  # input behind the stop of a block that was never opened, while another one waits
        404417840,  # half a chunk of chat completions, and the last of them finishes
        369402914,  # input behind the stop of a block that was never opened, while two others wait
        5480592,  # one before a message_start that holds content, and reasoning beside it
        933142525,  # tags in a block that nobody opened, while an empty one is open
        845954345,  # content behind the second of two reasons, of which the first went out
        854158729,  # a chunk of chat completions whose text is [DONE] and nothing else
        368547082,  # a piece of input that is an object with an id
        1674086564,  # a message that an error ends, in whose midst input breaks off before a text
        1638782621,  # the same with input that is a list
        1518025032,  # a text that grows comes again behind its stop
        1756992126,  # a call whose id was another one's begins again with another name
        1269564641,  # another text behind a reason that came too early, which calls what the first one called
        314630391,  # a list as input behind the end, and another end and a reason behind that
        861372467,  # a text that grows, and another one behind it
        1718933053,  # a second reason, and blocks that waited for the end of one before it
        508166171,  # [DONE] as a text of a block that is open while another one goes on
        1388835450,  # half an event before an error, with what goes between them
        832120717,  # a text that grows, with its last piece behind its stop
        939506127,  # three answers behind the first, and comments all the while, of which --unsafe keeps the first
        153330462,  # a chunk of chat completions that is torn, before a message in events of its own
        1601081416,  # a piece of input under the name of message_start, behind an end, without an index
        1352276222,  # reasons and comments between the pieces of a call's input
        1958491355,  # thoughts in the text, behind a stop that says more and names no block
        1224973473,  # a start that comes again and again for a call without a name, while it waits for a text
        363827151,  # the answer starts over behind its reason, and breaks off behind another one
        1255926138,  # the same with pings between, and an end
    ],
)
def test_no_law_is_broken_where_one_was(number):
    assert broken_laws(mutated(number)) == {}


def test_text_behind_a_stray_stop_is_kept():
    events = text()
    late = [events[0], *events[6:7], *events[3:]]
    assert _held(_repaired(late))["content"] == "Spring is here."


def _stopping(**members):
    """A tool whose input breaks off, and a message_stop that says more than its type."""
    events = tool("", '{"path": "/no')
    return sse([*events[:-2], {"type": "message_stop", **members}])


def test_a_reason_on_message_stop_counts_for_the_input_before_it():
    made = exchange(_stopping(delta={"stop_reason": "tool_use"}))
    assert "messages-tool-input-not-json" in _errors(made)
    cut = exchange(_stopping(delta={"stop_reason": "length"}))
    assert "messages-tool-input-not-json" not in _errors(cut)  # as at max_tokens
    assert _held(normalize(cut))["finish_reason"] == "max_tokens"


def test_a_call_in_the_text_becomes_one_also_where_the_next_block_opens_early():
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    result = {"type": "content_block_start", "index": 1, "content_block": found}
    marked = [start(), opened(0), *said(0, "I look.\n", _INVOKE), result, *text()[6:]]
    held = _held(_repaired(marked, unsafe=True))
    assert [block["type"] for block in held["blocks"]] == ["text", "tool_use", "web_search_tool_result"]
    assert (held["content"], held["blocks"][1]["input"]) == ("I look.\n", {"path": "/notes/today.md"})


def test_message_stop_among_chunks_of_chat_ends_nothing():
    chunks = [_chunk({"content": "a"}), {"type": "message_stop"}, _chunk({"content": "b"}), _chunk({}, "stop")]
    held = _held(_repaired(b"".join(frame(one, None) for one in chunks), unsafe=True))
    assert (held["content"], held["finish_reason"]) == ("ab", "end_turn")


def test_an_error_beside_what_an_event_says_costs_nothing_of_the_answer():
    events = text()
    events[3]["error"] = "busy"
    repaired = _repaired(events)
    assert _held(repaired)["content"] == "Spring is here."
    [found] = [one for one in analyze(exchange(sse(events))).findings if one.severity is Severity.ERROR]
    assert (found.rule, found.event, str(found.repairability)) == ("messages-error-shape-wrong", 3, "none")


def test_a_citation_beside_thinking_stays_with_its_text():
    cited = {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"n": 1}}}
    cited["delta"]["reasoning_content"] = "Hm."
    held = _held(_repaired([*text()[:3], cited, *text()[3:]], unsafe=True))
    assert [block["type"] for block in held["blocks"]] == ["thinking", "text"]
    assert (held["blocks"][1]["citations"], held["content"]) == ([{"n": 1}], "Spring is here.")


def test_a_message_within_a_list_is_that_message():
    events = text()
    wrapped = [{"type": "message_start", "message": [events[0]["message"]]}, *events[1:]]
    assert _repaired(wrapped).exchange.body == sse(events)


@pytest.mark.parametrize(
    ("case", "mutations"),
    [
        (
            "tool-input-object-delta",
            [(10, 784, 70440), (5, 638, 81600)],
        ),  # a reason behind the stop
        ("silence-with-pings", [(1, 241, 65444), (0, 775, 24769)]),  # a delta without text, a ping of no known type
        ("signature-early", [(12, 897, 13001)]),  # a block's start that ran into message_start
        ("error-no-type", [(13, 815, 22001)]),  # an error in Python's words
        ("content-only-in-message-start", [(13, 415, 59380), (12, 24, 38051), (13, 0, 97189)]),  # two field names
        ("openai-chunks", [(12, 62, 96595), (7, 819, 50262), (8, 576, 61099)]),  # half a chunk of chat among others
        ("tool-input-cumulative", [(6, 42, 27525), (4, 46, 45212), (8, 969, 66623)]),  # an error in a spliced frame
    ],
)
def test_no_law_is_broken_over_bytes_that_one_was(case, mutations):
    made = CASES[case].exchange
    body = mutated_bytes(made.body, mutations)
    assert broken_laws(replace(made, segments=(Segment(None, body),), http_chunks=None, end_us=None)) == {}
