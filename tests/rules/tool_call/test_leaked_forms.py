"""Every form in which models write calls is told when it leaks, wherever it stands; talk about calls is not."""

from __future__ import annotations

from itertools import product

import pytest

from streamlab.exchange import Request
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests import streams
from tests.batches import batched

ERROR, WARNING = Severity.ERROR, Severity.WARNING
LEAKED, MARKUP = "tool-call-leaked-as-text", "model-markup-in-answer"
_CALL = '{"name": "get_weather", "arguments": {"city": "Oslo"}}'
_CITY = '{"city":"Oslo"}'

#: Closed markup, as templates of these families write it.
WHOLE = {
    "Hermes, Qwen": f"<tool_call>\n{_CALL}\n</tool_call>",
    "Qwen Coder": "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter></function></tool_call>",
    "GLM": "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call>",
    "Gemma 3": '```tool_code\nget_weather(city="Oslo")\n```',
    "Gemma, functions": "<start_function_call>call:get_weather{city:<escape>Oslo<escape>}<end_function_call>",
    "Gemma 4": '<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>}<tool_call|>',
    "DeepSeek": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{_CITY}<｜tool▁calls▁end｜>",
    "Kimi": f"<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{_CITY}"
    "<|tool_call_end|><|tool_calls_section_end|>",
    "harmony": f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{_CITY}<|call|>",
    "MiniMax": '<minimax:tool_call>\n<invoke name="get_weather">\n</invoke>\n</minimax:tool_call>',
    "Nemotron": f"<TOOLCALL>[{_CALL}]</TOOLCALL>",
    "Cohere": f'<|START_ACTION|>[{{"tool_name": "get_weather", "parameters": {_CITY}}}]<|END_ACTION|>',
    "LongCat": "<longcat_tool_call>get_weather\n<longcat_arg_key>city</longcat_arg_key>\n</longcat_tool_call>",
}
#: Markup that nothing closes, or whose opening was lost, and calls without any markup.
OPEN = {
    "Mistral": f"[TOOL_CALLS][{_CALL}]",
    "Mistral, opening lost": f"get_weather[ARGS]{_CITY}",
    "GLM, opening lost": "get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>",
    "Kimi, opening lost": f"functions.get_weather:0<|tool_call_argument_begin|>{_CITY}<|tool_call_end|>",
    "harmony, tokens lost": f"assistantcommentary to=functions.get_weather json{_CITY}",
    "Llama 3": '<|python_tag|>get_weather.call(city="Oslo")',
    "bare JSON": f"\n{_CALL}\n",
    "bare list": f"[{_CALL}]",
    "bare, with the parameters' name": '{"name": "get_weather", "parameters": {"city": "Oslo"}}',
    "OpenAI's own members": '{"tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Oslo"}}}]}',
    "between fences": f"```json\n{_CALL}\n```",
    "escaped": _CALL.replace('"', '\\"'),
    "a JSON string": streams.dump(_CALL).decode(),
    "Python": '[get_weather(city="Oslo")]',
    "name and JSON": f"get_weather\n{_CITY}",
}
TALK = {
    "about a marker": "Hermes opens a call with <tool_call>, Mistral with [TOOL_CALLS].",
    "about a tool": "I could ask get_weather for Oslo (or Rome), if you like.",
    "JSON of another kind": '{"name": "get_weather", "description": "Current weather of a city"}',
    "another name": '{"name": "lookup", "arguments": {"city": "Oslo"}}',
    "code": "get_weather(city) returns a report.",
    "a list": '["get_weather"]',
    "JSON between fences": '```json\n{"name": "get_weather", "description": "Current weather of a city"}\n```',
    "fences around nothing": "``````",
    "escaped, of another kind": '{\\"city\\": \\"get_weather\\"}',
}


def _told(deltas, rule, finish="stop"):
    opening = streams.chunk({"role": "assistant", "content": ""})
    body = streams.sse([opening, *map(streams.chunk, deltas), streams.chunk({}, finish)])
    found = analyze(streams.exchange(body, request=streams.request_for(tools=True))).findings
    return [one.severity for one in found if one.rule == rule]


def _pieces(text, member):
    return [{member: text[at : at + 7]} for at in range(0, len(text), 7)]


@batched("form, member", product([*WHOLE, *OPEN], ("content", "reasoning_content", "reasoning")))
def test_a_leaked_call_is_told(form, member):
    assert _told(_pieces((WHOLE | OPEN)[form], member), LEAKED) == [ERROR]


@batched("form, member", product(WHOLE, ("content", "reasoning")))
def test_markup_beside_the_call_itself_is_a_warning(form, member):
    call = {"tool_calls": [streams.call(0, "call_1", "get_weather", _CITY)]}
    deltas, framed = [*_pieces(WHOLE[form], member), call], form == "harmony" and member == "content"
    assert _told(deltas, LEAKED, "tool_calls") == ([] if framed else [WARNING])
    assert _told(deltas, MARKUP, "tool_calls") == ([ERROR] if framed else [])


_MARKUP, _BESIDE = WHOLE["Hermes, Qwen"], {"tool_calls": [streams.call(0, "call_1", "get_weather", _CITY)]}
_BEHIND = "it stands in the text behind a <think> that never ends"


@pytest.mark.parametrize(
    ("deltas", "forms"),
    [
        ([{"content": _MARKUP}], ("it stands in the text",)),
        ([{"content": f"I ask. {_MARKUP}"}], ("it stands in the text",)),
        ([{"content": f"<think>Hm.</think>{_MARKUP}"}], ("it stands in the text",)),
        ([{"content": f"<think>Hm. {_MARKUP}"}], (_BEHIND,)),
        ([{"content": "<think>"}, {"content": _MARKUP}], (f"{_BEHIND}, a piece of its own",)),
        ([{"content": f"<thinking>Hm. {_MARKUP}"}], ()),  # nobody was asked about this and the next two
        ([{"content": f"<think>Hm. {_MARKUP}"}, _BESIDE], ()),
        ([{"reasoning": _MARKUP}, {"content": "Sunny."}], ()),
        ([{"reasoning": _MARKUP}], ("it stands in reasoning",)),
        ([{"reasoning_content": "I ask."}, {"reasoning_content": _MARKUP}], ("it stands in reasoning_content",)),
        ([{"content": _MARKUP}, _BESIDE], ("it stands in the text, and the call came too",)),
    ],
)
def test_where_the_markup_stands_is_a_form(deltas, forms):
    opening = streams.chunk({"role": "assistant", "content": ""})
    body = streams.sse([opening, *map(streams.chunk, deltas), streams.chunk({}, "stop")])
    found = analyze(streams.exchange(body, request=streams.request_for(tools=True))).findings
    assert [one.variants for one in found if one.rule == LEAKED] == [forms]


@pytest.mark.parametrize("form", ["harmony", "harmony, tokens lost"])
def test_a_call_in_its_frame_is_one_fact(form):
    deltas = _pieces((WHOLE | OPEN)[form], "content")
    assert (_told(deltas, LEAKED), _told(deltas, MARKUP)) == ([ERROR], [])


def test_markup_before_a_leaked_call_is_told_beside_it():
    """It stays when the call is read out of the text."""
    deltas = _pieces(f"<|channel|>final<|message|>I ask. {WHOLE['Hermes, Qwen']}", "content")
    assert (_told(deltas, LEAKED), _told(deltas, MARKUP)) == ([ERROR], [ERROR])


def test_a_name_that_holds_markup_is_one_fact():
    call = streams.call(0, "call_1", "get_weather<|channel|>commentary", _CITY)
    assert _told([{"tool_calls": [call]}], "tool-call-name-not-in-tools", "tool_calls") == []


@batched("text, member", product(TALK.values(), ("content", "reasoning")))
def test_talk_about_calls_is_none(text, member):
    assert _told(_pieces(text, member), LEAKED) == []


def test_reasoning_about_the_form_of_a_call_is_none():
    thought = "I must use <function_call> tags: <function_call>get_weather</function_call>. So I call it."
    assert _told([*_pieces(thought, "reasoning"), {"content": "Sunny."}], LEAKED) == []


@batched("form", [*WHOLE, *OPEN])
def test_a_leaked_call_is_told_in_the_text_of_a_response(form):
    asked = streams.dump({"stream": True, "input": "?", "tools": [{"type": "function", "name": "get_weather"}]})
    request = Request("POST", "http://127.0.0.1:8000/v1/responses", (), asked)
    body = streams.responses_sse(streams.responses_text((WHOLE | OPEN)[form]))
    found = analyze(streams.responses_exchange(body, request=request)).findings
    assert "responses-call-leaked-as-text" in [one.rule for one in found if one.severity is ERROR]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("<|channel|>final<|message|>Sunny.", [ERROR]),
        ("assistantfinalSunny.", [ERROR]),
        ("Sunny.<|im_end|>", [ERROR]),
        ("Sunny.</s>\n", [ERROR]),
        ("ChatML ends a turn with `<|im_end|>`", []),
        ("In HTML, <s>this</s> is struck.", []),
    ],
)
def test_tokens_of_the_model_in_the_text(text, severity):
    assert _told(_pieces(text, "content"), MARKUP) == severity


@pytest.mark.parametrize(
    ("name", "arguments", "severity"),
    [
        ("get_weather<|channel|>commentary", _CITY, [ERROR]),
        ('get_weather\n{"city', _CITY, [ERROR]),
        ("<function=get_weather", _CITY, [ERROR]),
        ("get_weather", '{"city":"Oslo</parameter>"}', [WARNING]),
        ("get_weather", '{"city":"Oslo<|"}', [WARNING]),
        ("get_weather", '{"html":"<p>Oslo</p>"}', []),
        ("mcp__weather-v2.get", _CITY, []),
    ],
)
def test_tokens_of_the_model_in_a_call(name, arguments, severity):
    assert _told([{"tool_calls": [streams.call(0, "call_1", name, arguments)]}], MARKUP, "tool_calls") == severity


@pytest.mark.parametrize(
    ("text", "says", "shown"),
    [
        ("<tool_call>" + _CALL, "a tool call stands in the text", "<tool_call>" + _CALL),
        (f"{_MARKUP}\n{_MARKUP}", "2 tool calls stand in the text", _MARKUP + "\n…"),
    ],
)
def test_calls_are_counted_and_what_is_shown_of_them_says_that_it_is_cut(text, says, shown):
    body = streams.sse([streams.chunk({"role": "assistant", "content": text}), streams.chunk({}, "stop")])
    found = analyze(streams.exchange(body, request=streams.request_for(tools=True))).findings
    assert [(one.message.partition(":")[0], one.actual) for one in found if one.rule == LEAKED] == [(says, shown)]
