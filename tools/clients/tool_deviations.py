"""Streams of tool calls with one deviation each, by the names that cases.toml and the results use."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy

from bends import CALLS, LAST, bent, dropping, of_choice, of_fragments, of_function, setting

from streamlab.exchange import Exchange
from tests import streams
from tests.streams import Payload, call, chunk, exchange, sse


def _numbered(payloads: list[Payload], change: Callable[[Payload, int], None]) -> Exchange:
    """Tool call fragments changed by their number in the stream."""
    count = iter(range(100))
    return bent(payloads, of_fragments(lambda fragment: change(fragment, next(count))))


def two_calls(*, both: int, together: bool, finish: str = "tool_calls", second: str = "Rome") -> Exchange:
    """Two whole calls, the second with index ``both``, in one chunk or one each."""
    calls = [
        call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}'),
        call(both, "call_e5F6g7H8", "get_weather", f'{{"city":"{second}"}}'),
    ]
    if together:
        return exchange(sse([chunk({"role": "assistant", "content": None, "tool_calls": calls}, finish)]))
    return exchange(sse([CALLS[0], *(chunk({"tool_calls": [one]}) for one in calls), CALLS[-1]]))


def _each_whole() -> Exchange:
    """Two whole calls without an index, a chunk each."""
    calls = (
        call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}'),
        call(1, "call_e5F6g7H8", "get_weather", '{"city":"Rome"}'),
    )
    payloads = [CALLS[0], *(chunk({"tool_calls": [one]}) for one in calls), CALLS[-1]]
    return bent(payloads, of_fragments(dropping("index")))


def _name_late() -> Exchange:
    payloads = deepcopy(CALLS)
    name = payloads[1]["choices"][0]["delta"]["tool_calls"][0]["function"].pop("name")
    payloads[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = name
    return exchange(sse(payloads))


def _name_split() -> Exchange:
    payloads = deepcopy(CALLS)
    payloads[1]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "get_"
    payloads[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "weather"
    return exchange(sse(payloads))


def _repeated(*, name: bool, ids: bool) -> Exchange:
    """Name, or id and type, in every fragment of each call."""

    def again(fragment: Payload) -> None:
        if ids:
            fragment.update(id=("call_a1B2c3D4", "call_e5F6g7H8")[fragment["index"]], type="function")
        if name:
            fragment["function"]["name"] = "get_weather"

    return bent(CALLS, of_fragments(again, later=True))


def _function_call() -> Exchange:
    payloads = [
        chunk({"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": ""}})
    ]
    payloads += [chunk({"function_call": {"arguments": piece}}) for piece in ('{"city":', '"Oslo"}')]
    return exchange(sse([*payloads, chunk({}, "function_call")]))


def _double_encoded() -> Exchange:
    payloads = deepcopy(CALLS)
    for at, city in ((2, "Oslo"), (5, "Rome")):
        whole = json.dumps(json.dumps({"city": city}, separators=(",", ":")))
        for number, piece in ((at, whole), (at + 1, "")):
            payloads[number]["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] = piece
    return exchange(sse(payloads))


def _between_calls(fragment: Payload) -> Exchange:
    """One more fragment in the middle of the first call."""
    return exchange(sse([*CALLS[:3], chunk({"tool_calls": [fragment]}), *CALLS[3:]]))


_MARKUP = ("<tool_call>\n", '{"name": "get_weather", "arguments": {"city": "Oslo"}}', "\n</tool_call>")


def _leaking(*payloads: Payload) -> Exchange:
    """An answer to a request that offers a tool."""
    return exchange(sse(list(payloads)), request=streams.request_for(tools=True))


def _later_call() -> list[Payload]:
    """A call behind other things that the answer said."""
    opening, *rest = streams.chat_tool()
    return [chunk({"tool_calls": opening["choices"][0]["delta"]["tool_calls"]}), *rest]


def _thinking(key: str) -> Exchange:
    """The call as the model wrote it, in its reasoning."""
    return _leaking(CALLS[0], *(chunk({key: piece}) for piece in _MARKUP), chunk({}, "stop"))


TOOLS: dict[str, Exchange] = {
    "tool1.tool-name-unknown": exchange(sse(streams.chat_tool(name="not_a_tool"))),
    "tool1.function-call-legacy": _function_call(),
    "tools.args-double-encoded": _double_encoded(),
    "tools.name-late": _name_late(),
    "tools.name-split": _name_split(),
    "tools.name-missing": bent(CALLS, of_fragments(of_function(dropping("name")))),
    "tools.name-each": _repeated(name=True, ids=False),
    "tools.all-each": _repeated(name=True, ids=True),
    "tools.id-each": _repeated(name=False, ids=True),
    "tools.id-duplicate": bent(CALLS, of_fragments(setting(id="call_a1B2c3D4"), later=False)),
    "tools.id-differs": _numbered(CALLS, lambda fragment, number: fragment.update(id=f"call_{number}")),
    "tools.index-missing": bent(CALLS, of_fragments(dropping("index"))),
    "tools.index-zero-all": bent(CALLS, of_fragments(setting(index=0))),
    "tools.whole-no-index": _each_whole(),
    "tools.index-increments": _numbered(CALLS, lambda fragment, number: fragment.update(index=number)),
    "tools.complete-index-0": two_calls(both=0, together=False),
    "tools.ollama-style": two_calls(both=1, together=True, finish="stop"),
    "tools.function-missing-mid": _between_calls({"index": 0}),
    "tools.function-null-mid": _between_calls({"index": 0, "function": None}),
    "tools.finish-between": exchange(sse([*CALLS[:4], CALLS[-1], *CALLS[4:]])),
    "tools.finish-stop": bent(CALLS, of_choice(setting(finish_reason="stop")), LAST),
    "tools.text-xml": _leaking(*streams.chat_text(*_MARKUP)),
    "tool1.text-xml-in-think": _leaking(*streams.chat_text("<think>Let me look.\n", *_MARKUP)),
    "tool1.text-xml-in-think-alone": _leaking(*streams.chat_text("<think>", "Let me look.\n", *_MARKUP)),
    "tool1.text-xml-in-reasoning-content": _thinking("reasoning_content"),
    "tool1.text-xml-in-reasoning": _thinking("reasoning"),
    "tool1.text-xml-and-call": _leaking(*streams.chat_text(*_MARKUP)[:-1], *_later_call()),
}
