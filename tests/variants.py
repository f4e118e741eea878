"""One deviation in the forms that clients take differently: a stream for each form, as it was served to the clients.

`FORMS` names each by its rule and its variant, with the stream of the measurements that has the same deviation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

from streamlab.exchange import Ending, Exchange
from tests.streams import (
    USAGE,
    Payload,
    call,
    chat_text,
    chat_tool,
    chat_tools,
    chat_usage,
    chunk,
    dump,
    exchange,
    frame,
    request_for,
    sse,
)


class Form(NamedTuple):
    """``measured`` is the name of the stream in the measurements."""

    rule: str
    variant: str
    measured: str
    exchange: Exchange


Bend = Callable[[Payload], None]


def _bent(payloads: list[Payload], bend: Bend, which: slice = slice(None)) -> Exchange:
    """A perfect stream, some of its payloads changed."""
    payloads = deepcopy(payloads)
    for payload in payloads[which]:
        bend(payload)
    return exchange(sse(payloads))


def _with(**members: Any) -> Bend:
    return lambda payload: payload.update(members)


def _without(key: str) -> Bend:
    return lambda payload: payload.pop(key)


def _choice(**members: Any) -> Bend:
    return lambda payload: payload["choices"][0].update(members)


def _delta(**members: Any) -> Bend:
    return lambda payload: payload["choices"][0]["delta"].update(members)


def _fragments(payload: Payload) -> Iterator[Payload]:
    yield from payload["choices"][0]["delta"].get("tool_calls") or ()


def _fragment(bend: Bend) -> Bend:
    """A bend of every tool call fragment of a payload."""

    def each(payload: Payload) -> None:
        for fragment in _fragments(payload):
            bend(fragment)

    return each


def _function(bend: Bend) -> Bend:
    return _fragment(lambda fragment: bend(fragment["function"]))


def _function_of(**members: Any) -> Bend:
    """A bend of one fragment's function."""
    return lambda fragment: fragment["function"].update(members)


def _later(bend: Bend) -> Bend:
    """A bend of every fragment that opens no call."""
    return _fragment(lambda fragment: None if "id" in fragment else bend(fragment))


def _opening(bend: Bend) -> Bend:
    return _fragment(lambda fragment: bend(fragment) if "id" in fragment else None)


FIRST, LAST, NOT_LAST, LATER = slice(0, 1), slice(-1, None), slice(0, -1), slice(1, None)
TEXT, CALL, CALLS = chat_text(), chat_tool(), chat_tools()
#: An answer that was cut at the length that the request allows.
TEXT_TO_LENGTH = [*TEXT[:-1], chunk({}, "length")]
BOM = b"\xef\xbb\xbf"


def _ended(end: bytes) -> Exchange:
    """A text answer with an end of its own."""
    return exchange(sse(TEXT, done=False) + end)


def _at_once(payloads: list[Payload], bend: Bend) -> Exchange:
    """Both calls whole in one chunk."""
    calls = [
        call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}'),
        call(1, "call_e5F6g7H8", "get_weather", '{"city":"Rome"}'),
    ]
    return _bent([payloads[0], chunk({"tool_calls": calls}), payloads[-1]], bend)


def _each_whole(*calls: Payload) -> Exchange:
    """Calls without an index, each whole in a chunk of its own."""
    bare = [{key: value for key, value in one.items() if key != "index"} for one in calls]
    return exchange(sse([CALLS[0], *(chunk({"tool_calls": [one]}) for one in bare), CALLS[-1]]))


def _whole_with_finish() -> Exchange:
    """Each call whole in a chunk that finishes, and a finish chunk behind."""
    calls = (_OSLO, call(1, "call_e5F6g7H8", "get_weather", '{"city":"Rome"}'))
    return exchange(sse([CALLS[0], *(chunk({"tool_calls": [one]}, "tool_calls") for one in calls), CALLS[-1]]))


def _parted(delta: Payload) -> None:
    delta["content"] = [{"type": "text", "text": delta["content"]}]


def _in_order(*numbers: int) -> Exchange:
    """The chunks of two calls in another order."""
    return exchange(sse([CALLS[number] for number in numbers]))


def _second_usage(usage: Payload | None) -> Exchange:
    """Usage in every chunk of the answer, and the real one at the end."""
    payloads = [{**payload, "usage": usage} for payload in TEXT]
    return exchange(sse([*payloads, chat_usage()[-1]]))


def _costing(having: list[Payload]) -> Exchange:
    """Usage in these chunks of the answer, and the real one at the end, which has a cost that is an object."""
    payloads = [{**payload, "usage": dict(USAGE)} if payload in having else payload for payload in TEXT]
    last = chat_usage()[-1]
    return exchange(sse([*payloads, {**last, "usage": {**USAGE, "cost": {"total_cost": 0.00501}}}]))


#: A failure as OpenAI tells it.
FAILURE = {
    "error": {"message": "Template error: no template", "type": "invalid_request_error", "param": None, "code": None}
}
_WORDS = FAILURE["error"]["message"]
_PAGE = f"<html><body>{_WORDS}</body></html>"


def failing(body: Any, kind: str = "application/json", status: int = 422) -> Exchange:
    """The answer with this status and body: text, or JSON."""
    told = body.encode() if isinstance(body, str) else dump(body)
    return exchange([told], status=status, headers=(("content-type", kind), ("content-length", str(len(told)))))


def _named() -> Exchange:
    """A call that the request names, with a second reason: stop, which OpenAI says there."""
    named = {"type": "function", "function": {"name": "get_weather"}}
    return exchange(sse([*CALL, chunk({}, "stop")]), request=request_for(tools=True, tool_choice=named))


def _until_the_end(**members: Any) -> Exchange:
    """Usage in every chunk, with these numbers before the end; the others count nothing of the answer yet."""
    so_far = {**USAGE, "completion_tokens": 0, "total_tokens": USAGE["prompt_tokens"], **members}
    return exchange(sse([*({**payload, "usage": so_far} for payload in TEXT[:-1]), {**TEXT[-1], "usage": dict(USAGE)}]))


def _zero_until_the_end(payloads: list[Payload]) -> Exchange:
    """Usage in every chunk, as GitHub Copilot sends Gemini's: all counts are 0 but for the last."""
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return exchange(
        sse([*({**one, "usage": nothing} for one in payloads[:-1]), {**payloads[-1], "usage": dict(USAGE)}])
    )


def _null_until_the_end() -> Exchange:
    """Usage in every chunk, as Databricks sends it: what is counted at the end is null before."""
    return _until_the_end(completion_tokens=None, total_tokens=None)


def _falling(**members: Any) -> Exchange:
    """Usage in every chunk, as Gemini sends it: the prompt counts one token more before the end."""
    prompt = USAGE["prompt_tokens"] + 1
    return _until_the_end(prompt_tokens=prompt, total_tokens=prompt, **members)


def _twice_costing() -> Exchange:
    """Usage twice at the end, of which the first has a cost that is an object."""
    *answer, last = chat_usage()
    return exchange(sse([*answer, {**last, "usage": {**USAGE, "cost": {"total_cost": 0.00501}}}, last]))


def _messages_without_calls() -> Exchange:
    """A message with the same piece beside each delta, with null for its calls."""
    payloads = deepcopy(TEXT)
    for payload in payloads:
        choice = payload["choices"][0]
        piece = choice["delta"].get("content") or ""
        choice["message"] = {"role": "assistant", "content": piece, "tool_calls": None}
    return exchange(sse(payloads))


def _vendors() -> Exchange:
    """Usage in Groq's own member alone, though it was asked for."""
    said = sse([*TEXT[:-1], {**TEXT[-1], "x_groq": {"usage": USAGE}}])
    return exchange(said, request=request_for(usage=True))


def _counts(**members: Any) -> Exchange:
    """Other numbers in the usage at the end."""
    return _bent(chat_usage(), lambda payload: payload["usage"].update(members), LAST)


def _reasoning(**members: Any) -> Exchange:
    """Reasoning in these members of a delta of its own, before the text."""
    return exchange(sse([TEXT[0], chunk(dict(members)), *TEXT[1:]]))


def _held_open(body: bytes) -> Exchange:
    """The server stops sending and does not close; the client gives up."""
    return exchange(body, ending=Ending.TIMED_OUT)


def _stalled() -> Exchange:
    """Half an answer, and then two minutes of nothing."""
    return replace(exchange(sse(TEXT[:3], done=False), ending=Ending.TIMED_OUT), end_us=120_000_000)


def _constant_arguments(value: str | None) -> Exchange:
    """A call whose arguments never come, and are ``value`` where they should begin."""
    opening = chunk({"tool_calls": [call(0, "call_a1B2c3D4", "get_weather")]})
    return _bent([CALLS[0], opening, CALLS[-1]], _function(_with(arguments=value)))


def _object_arguments() -> Exchange:
    """A call that opens with empty text and then has an object."""
    opening, rest = call(0, "call_a1B2c3D4", "get_weather"), call(0)
    rest["function"]["arguments"] = {"city": "Oslo"}
    return exchange(sse([CALLS[0], chunk({"tool_calls": [opening]}), chunk({"tool_calls": [rest]}), CALLS[-1]]))


def _late_ids() -> Exchange:
    """The id of each call in its second fragment."""
    payloads = deepcopy(CALLS)
    for at in (1, 4):
        first, second = (next(_fragments(payload)) for payload in payloads[at : at + 2])
        second["id"] = first.pop("id")
    return exchange(sse(payloads))


def _joined(at: int, payloads: list[Payload] = TEXT, *, done: bool = True) -> Exchange:
    """Two payloads that no blank line parts; without ``done`` the body ends behind the last, without one."""
    frames = [frame(payload) for payload in payloads]
    frames[at] = frames[at].rstrip() + b"\n"
    body = b"".join(frames)
    return exchange(body + b"data: [DONE]\n\n" if done else body.rstrip() + b"\n")


def _cumulative() -> Exchange:
    """Every piece of the arguments has all that came before."""
    return exchange(sse(chat_tool('{"', '{"city', '{"city":"', '{"city":"Oslo', '{"city":"Oslo"}')))


def _empty_ids(fragment: Payload) -> None:
    fragment.update(id="", type="function")
    fragment["function"]["name"] = ""


def _without_array(payload: Payload) -> None:
    for fragment in _fragments(payload):
        payload["choices"][0]["delta"]["tool_calls"] = fragment


def _null_ids(fragment: Payload) -> None:
    fragment.update(id=None, type=None)
    fragment["function"]["name"] = None


def _null_id_and_name(fragment: Payload) -> None:
    fragment.update(id=None, type="function")
    fragment["function"]["name"] = None


def _messages(payloads: list[Payload], which: slice = slice(None), *, piece: bool = False) -> Exchange:
    """A ``message`` beside these deltas, with the text so far, or with the same ``piece``."""
    payloads, said = deepcopy(payloads), ""
    for payload in payloads:
        choice = payload["choices"][0]
        text = choice["delta"].get("content") or ""
        said += text
        choice["message"] = {"role": "assistant", "content": text if piece else said}
    for payload in payloads:
        if payload not in payloads[which]:
            del payload["choices"][0]["message"]
    return exchange(sse(payloads))


def _again_with_the_finish() -> Exchange:
    return exchange(sse([*TEXT[:-1], chunk({"content": "Spring is here."}, "stop")]))


def _finish_with_the_last_piece() -> list[Payload]:
    return [*TEXT[:-2], chunk(TEXT[-2]["choices"][0]["delta"], "stop")]


_ID, _CREATED, _MODEL = "chunk-id-missing-or-empty", "created-wrong-type", "model-missing-or-changes"
_NO_TIME, _NOTHING = "it is true, a list or an object", "it is false, or a list or an object with nothing in it"
_DELTA, _EMPTY, _UNKNOWN = "choice-delta-missing", "finish-reason-empty-string", "finish-reason-unknown-value"
_PARTS = "content-array-parts"
_NO_JSON = "tool-call-arguments-not-json"
_MISSING, _REPEATED, _ROLE = "finish-reason-missing", "finish-reason-repeated", "role-empty-or-null"
_BOM, _DONE, _UNTERMINATED = "sse-bom", "sse-done-variant", "sse-unterminated-final-event"
_ARGUMENTS, _OBJECT, _DUPLICATED = (f"tool-call-arguments-{what}" for what in ("null", "object", "duplicated"))
_INDEX, _NAME, _TYPE = "tool-call-index-missing", "tool-call-name-empty-continuation", "tool-call-type-missing"
_USAGE, _OWN_CHUNK = "usage-on-every-chunk", "usage-on-content-or-finish-chunk"
_NO_ID_USAGE = "it is absent, null or empty, and usage comes in a later chunk"
_NO_FINISH = "[DONE] comes, no finish_reason"
_BODY = "http-error-body-shape"
_CUT, _COSTS = ", and [DONE] never comes", ", and its cost is no number"
_SUMS, _TOKENS = "usage-inconsistent", ("prompt_tokens", "completion_tokens", "total_tokens")
_WHOLE_CALL, _OSLO = ", whole in one chunk", call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}')
_PARALLEL, _OFFSET = "tool-call-parallel-lost", "tool-call-index-offset"
_AFTER_DONE, _HELD_OPEN = "done-duplicate-or-early", "connection-held-open-after-done"
_CALL_ID, _MARKUP, _BLANK = "tool-call-id-missing", "model-markup-in-answer", "sse-missing-blank-line"
_SAID = ("Spring", " is", " here.")
_REASONING, _WHOLE = "reasoning-field-variants", "full-message-repeated"
_DETAILS = [{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}]
_THINKS = exchange(sse(chat_text("<think>Hm.</think>", "Spring is here.")))


def _numbered(payloads: list[Payload], indexes: tuple[int, ...]) -> Exchange:
    """An answer whose chunks have these choice indexes."""
    payloads = deepcopy(payloads)
    for payload, index in zip(payloads, indexes, strict=True):
        payload["choices"][0]["index"] = index
    return exchange(sse(payloads))


_BEGINS = {"role": "assistant"}
_THOUGHT = [chunk({**_BEGINS, "reasoning_content": "H"}), chunk({"reasoning_content": "m."})]
_TEXT_LATER = [chunk({**_BEGINS, "content": "Spring"}), *TEXT[2:-1]]
_CALL_LATER = [chunk({"tool_calls": CALL[0]["choices"][0]["delta"]["tool_calls"]}), *CALL[1:-1]]
_THOUGHT_TEXT = [*_THOUGHT, *_TEXT_LATER, TEXT[-1]]
_TEXT_CALL = [*_TEXT_LATER, *_CALL_LATER, CALL[-1]]
_THOUGHT_CALL = [*_THOUGHT, *_CALL_LATER, CALL[-1]]
_ALL_PARTS = [*_THOUGHT, *_TEXT_LATER, *_CALL_LATER, CALL[-1]]
_TWO, _CALLS = "it numbers thoughts and text", "it numbers text and calls"
_IN_WHOLE = ", in a call that is whole in one chunk"
_WHOLE_ONE = [CALLS[0], chunk({"tool_calls": [_OSLO]}), CALLS[-1]]
_ROME = call(1, "call_e5F6g7H8", "get_weather", '{"city":"Rome"}')
_WHOLE_TWO = [*_WHOLE_ONE[:2], chunk({"tool_calls": [_ROME]}), CALLS[-1]]
_TEXT_WHOLE = [*_TEXT_LATER, *_WHOLE_ONE[1:]]
_COUNTED_CALL = [*_TEXT_CALL, chat_usage()[-1]]
_COUNTED_WHOLE = [*_TEXT_WHOLE[:-2], {**_TEXT_WHOLE[-2], "usage": USAGE}, _TEXT_WHOLE[-1]]
#: The streams that say their role, beside those that do not.
WITH_ROLE: dict[str, list[Payload]] = {
    "text.role-missing-call": _TEXT_CALL,
    "text.role-missing-whole-call": _TEXT_WHOLE,
    "text.role-missing-call-usage": _COUNTED_CALL,
    "text.role-missing-call-with-usage": _COUNTED_WHOLE,
    "usage.role-chunk-missing": chat_usage(),
    "reasoning.role-missing-call": _THOUGHT_CALL,
    "reasoning.role-missing-call-usage": [*_THOUGHT_CALL, _COUNTED_CALL[-1]],
}


def _without_role(payloads: list[Payload]) -> Exchange:
    return _bent(payloads, lambda payload: [one["delta"].pop("role", None) for one in payload["choices"]])


#: By the stream: the form of a choice index that numbers no alternatives, the chunks, and the index of each.
COUNTED: dict[str, tuple[str, list[Payload], tuple[int, ...]]] = {
    "text.index-one": ("the only choice is not number 0", TEXT, (1,) * 6),
    "text.index-five": ("the only choice is not number 0", TEXT, (5,) * 6),
    "reasoning.index-one": ("the only choice is not number 0, and thinks", _THOUGHT_TEXT, (1,) * 7),
    "tool1.index-one": ("the only choice is not number 0, and calls", CALL, (1,) * 7),
    "text.index-grows": ("it grows over text", TEXT, (0, 1, 2, 3, 4, 5)),
    "text.index-grows-from-one": ("it grows over text from another number", TEXT, (1, 2, 3, 4, 5, 6)),
    "reasoning.index-grows": ("it grows over thoughts and text", _THOUGHT_TEXT, (0, 1, 2, 3, 4, 5, 6)),
    "tool1.index-grows": ("it grows over a call", CALL, (0, 1, 2, 3, 4, 5, 6)),
    "reasoning.index-parts": (_TWO, _THOUGHT_TEXT, (0, 0, 1, 1, 1, 1, 2)),
    "reasoning.index-parts-finish": (_TWO, _THOUGHT_TEXT, (0, 0, 1, 1, 1, 1, 1)),
    "reasoning.index-parts-finish-0": (_TWO, _THOUGHT_TEXT, (0, 0, 1, 1, 1, 1, 0)),
    "tool1.index-parts": (_CALLS, _TEXT_CALL, (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2)),
    "tool1.index-parts-finish": (_CALLS, _TEXT_CALL, (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1)),
    "tool1.index-parts-finish-0": (_CALLS, _TEXT_CALL, (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0)),
    "tool1.index-parts-thoughts": ("it numbers thoughts and calls", _THOUGHT_CALL, (0, 0, 1, 1, 1, 1, 1, 1, 2)),
    "tool1.index-parts-all": (
        "it numbers thoughts, text and calls",
        _ALL_PARTS,
        (0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3),
    ),
}

FORMS = [
    *(
        Form("choice-index-is-token-counter", form, name, _numbered(payloads, indexes))
        for name, (form, payloads, indexes) in COUNTED.items()
    ),
    Form(_WHOLE, "a delta has all text", "d-full-repeat-at-end", _again_with_the_finish()),
    Form(_WHOLE, "a message has all text and its delta none", "text.message-so-far", _messages(TEXT)),
    Form(_WHOLE, "a message has all text and its delta none", "text.message-at-end", _messages(TEXT, LAST)),
    Form(
        _WHOLE,
        "the last message has all text and its delta some",
        "text.message-so-far-with-text",
        _messages(_finish_with_the_last_piece()),
    ),
    Form(_WHOLE, "a message has the same piece as its delta", "text.message-piece", _messages(TEXT, piece=True)),
    Form(
        _WHOLE,
        "a message has the same piece as its delta, and null for calls",
        "text.message-piece-calls-null",
        _messages_without_calls(),
    ),
    Form("error-null-or-empty-key", "it is null in every chunk", "text.error-null-key", _bent(TEXT, _with(error=None))),
    Form("tool-call-arguments-truncated", _NO_FINISH, "tools.trunc-args", exchange(sse(CALLS[:3]))),
    Form("stall-gap", "it never ends", "text.stall", _stalled()),
    Form(_ID, "it is a number", "text.id-int", _bent(TEXT, _with(id=12345))),
    Form(_ID, "it is absent, null or empty", "text.id-null", _bent(TEXT, _with(id=None))),
    Form(_ID, "it is absent, null or empty", "text.id-empty", _bent(TEXT, _with(id=""))),
    Form(_ID, "it is absent, null or empty", "text.id-missing", _bent(TEXT, _without("id"))),
    Form(_ID, _NO_ID_USAGE, "usage.id-missing", _bent(chat_usage(), _without("id"))),
    Form(_ID, _NO_ID_USAGE, "usage.id-empty", _bent(chat_usage(), _with(id=""))),
    Form(_CREATED, "it is text", "text.created-iso", _bent(TEXT, _with(created="2025-10-09T08:53:20Z"))),
    Form(_CREATED, "it is text", "text.created-string", _bent(TEXT, _with(created="1760000000"))),
    Form(_CREATED, "it is a number", "text.created-float", _bent(TEXT, _with(created=1760000000.5))),
    Form(_CREATED, "it is a number", "text.created-ms", _bent(TEXT, _with(created=1760000000000))),
    Form(_CREATED, _NO_TIME, "text.created-true", _bent(TEXT, _with(created=True))),
    Form(_CREATED, _NO_TIME, "text.created-list", _bent(TEXT, _with(created=[1760000000]))),
    Form(_CREATED, _NO_TIME, "text.created-object", _bent(TEXT, _with(created={"seconds": 1760000000}))),
    Form(_CREATED, _NOTHING, "text.created-false", _bent(TEXT, _with(created=False))),
    Form(_CREATED, _NOTHING, "text.created-list-empty", _bent(TEXT, _with(created=[]))),
    Form(_CREATED, _NOTHING, "text.created-object-empty", _bent(TEXT, _with(created={}))),
    Form(_CREATED, "it is absent or null", "text.created-null", _bent(TEXT, _with(created=None))),
    Form(_CREATED, "it is absent or null", "text.created-missing", _bent(TEXT, _without("created"))),
    Form(_MODEL, "it is missing or null", "text.model-missing", _bent(TEXT, _without("model"))),
    Form(_MODEL, "it is missing or null", "text.model-null", _bent(TEXT, _with(model=None))),
    Form(_MODEL, "it is empty", "text.model-empty-first", _bent(TEXT, _with(model=""), FIRST)),
    Form(_DELTA, "it is the finish chunk's", "text.delta-null", _bent(TEXT, _choice(delta=None), LAST)),
    Form(_DELTA, "the answer goes on", "text.delta-null-mid", _bent(TEXT, _choice(delta=None), slice(2, 3))),
    Form(_EMPTY, "another comes later", "text.finish-empty-nonfinal", _bent(TEXT, _choice(finish_reason=""), NOT_LAST)),
    Form(
        _EMPTY, "another comes later", "tools.finish-empty-nonfinal", _bent(CALLS, _choice(finish_reason=""), NOT_LAST)
    ),
    Form(
        _EMPTY, "it is the text null", "text.finish-null-string", _bent(TEXT, _choice(finish_reason="null"), NOT_LAST)
    ),
    Form(
        _EMPTY, "there is no other at the end", "text.finish-empty-final", _bent(TEXT, _choice(finish_reason=""), LAST)
    ),
    Form(
        _EMPTY,
        f"there is no other at the end{_CUT}",
        "text.finish-empty-final-no-done",
        exchange(sse([*TEXT[:-1], chunk({}, "")], done=False)),
    ),
    Form(_UNKNOWN, "it is a number", "text.finish-int", _bent(TEXT, _choice(finish_reason=1), LAST)),
    Form(_UNKNOWN, "it is another word", "text.finish-eos", _bent(TEXT, _choice(finish_reason="eos"), LAST)),
    Form(
        _UNKNOWN,
        "it is a known word in capitals",
        "text.finish-upper",
        _bent(TEXT, _choice(finish_reason="STOP"), LAST),
    ),
    Form(_MISSING, "the answer is text", "text.finish-none", exchange(sse(TEXT[:-1]))),
    Form(_MISSING, "the answer is tool calls", "tools.finish-none", exchange(sse(CALLS[:-1]))),
    Form(_MISSING, f"the answer is text{_CUT}", "text.finish-none-no-done", exchange(sse(TEXT[:-1], done=False))),
    Form(
        _MISSING, f"the answer is tool calls{_CUT}", "tools.finish-none-no-done", exchange(sse(CALLS[:-1], done=False))
    ),
    Form(_REPEATED, "it is the same again", "text.finish-twice", exchange(sse([*TEXT, TEXT[-1]]))),
    Form(_REPEATED, "stop comes after tool_calls", "tools.finish-twice", exchange(sse([*CALLS, chunk({}, "stop")]))),
    Form(
        _REPEATED, "stop comes after tool_calls, and the request names the tool", "tool1.finish-twice-named", _named()
    ),
    Form(
        _PARTS,
        "they hold text",
        "text.content-array",
        _bent(TEXT, lambda one: _parted(one["choices"][0]["delta"]), slice(1, -1)),
    ),
    Form(
        "content-after-finish",
        "text comes after it",
        "text.finish-then-content",
        exchange(sse([*TEXT[:3], TEXT[-1], *TEXT[3:-1]])),
    ),
    Form(
        "content-after-finish",
        "another reason comes after it",
        "tools.finish-twice",
        exchange(sse([*CALLS, chunk({}, "stop")])),
    ),
    Form(_ROLE, "it is empty text", "text.role-empty-later", _bent(TEXT, _delta(role=""), LATER)),
    Form(_ROLE, "it is null and no role came before", "text.role-null", _bent(TEXT, _delta(role=None))),
    Form("role-missing", "text comes and nothing else", "text.role-chunk-missing", exchange(sse(TEXT[1:]))),
    Form("role-missing", "a call comes", "tools.role-missing", exchange(sse(CALLS[1:]))),
    Form("role-missing", "a call comes", "text.role-missing-call", _without_role(_TEXT_CALL)),
    Form("role-missing", "a call comes", "text.role-missing-whole-call", _without_role(_TEXT_WHOLE)),
    Form("role-missing", "usage comes", "usage.role-chunk-missing", _without_role(chat_usage())),
    Form("role-missing", "a call and usage come", "text.role-missing-call-usage", _without_role(_COUNTED_CALL)),
    Form("role-missing", "a call and usage come", "text.role-missing-call-with-usage", _without_role(_COUNTED_WHOLE)),
    Form("role-missing", "reasoning and a call come", "reasoning.role-missing-call", _without_role(_THOUGHT_CALL)),
    Form(
        "role-missing",
        "reasoning, a call and usage come",
        "reasoning.role-missing-call-usage",
        _without_role([*_THOUGHT_CALL, _COUNTED_CALL[-1]]),
    ),
    Form(_BOM, "the first event carries the role", "text.bom", exchange(BOM + sse(TEXT))),
    Form(_BOM, "the first event carries content", "text.bom-content-first", exchange(BOM + sse(TEXT[1:]))),
    Form(_BOM, "the first event carries a tool call", "tool1.bom", exchange(BOM + sse(CALL))),
    Form(_DONE, "a space follows", "text.done-trailing-space", _ended(b"data: [DONE] \n\n")),
    Form(_DONE, "it is in lower case", "text.done-lowercase", _ended(b"data: [done]\n\n")),
    Form(_DONE, "it is JSON text", "text.done-json-string", _ended(b'data: "[DONE]"\n\n')),
    Form(_DONE, "its event has a name", "text.done-event", _ended(b"event: done\ndata: [DONE]\n\n")),
    Form(_UNTERMINATED, "it is the finish chunk", "text.last-event-no-blank", exchange(sse(TEXT, done=False)[:-1])),
    Form(_UNTERMINATED, "it is [DONE]", "text.done-no-blank", _ended(b"data: [DONE]")),
    Form(_UNTERMINATED, "it is [DONE]", "text.done-one-newline", _ended(b"data: [DONE]\n")),
    Form(_ARGUMENTS, "a delta has none", "tools.args-null-first", _bent(CALLS, _opening(_function_of(arguments=None)))),
    Form(_ARGUMENTS, "they are null throughout", "tools.args-null-only", _constant_arguments(None)),
    Form(_ARGUMENTS, "they are empty text throughout", "tools.args-empty", _constant_arguments("")),
    Form(_NO_JSON, "they are no JSON", "tool1.args-invalid-json", exchange(sse(chat_tool('{"city":', '"Oslo"')))),
    Form(_NO_JSON, "they are null", "tool1.args-null-text", exchange(sse(chat_tool("null")))),
    Form(
        _OBJECT,
        "nothing comes before it",
        "tools.args-object",
        _at_once(CALLS, _function(_with(arguments={"city": "Oslo"}))),
    ),
    Form(_OBJECT, "empty text comes before it", "tools.args-object-later", _object_arguments()),
    Form(
        _DUPLICATED,
        "the whole comes again at the end",
        "tools.args-dup-final",
        exchange(sse(chat_tool('{"city":', '"Oslo"}', '{"city":"Oslo"}'))),
    ),
    Form(_DUPLICATED, "they are cumulative", "tools.args-cumulative", _cumulative()),
    Form(_INDEX, "there is one call", "tool1.index-missing", _bent(CALL, _fragment(_without("index")))),
    Form(_INDEX, f"there is one call{_WHOLE_CALL}", "tool1.whole-no-index", _each_whole(_OSLO)),
    Form(_INDEX, "several come in one chunk", "tools.complete-no-index", _at_once(CALLS, _fragment(_without("index")))),
    Form(
        "tool-call-index-negative",
        "it is text",
        "tools.index-string",
        _bent(CALLS, _fragment(lambda one: one.update(index=str(one["index"])))),
    ),
    Form(
        "tool-call-index-negative",
        "it is a negative number",
        "tool1.index-minus-one",
        _bent(CALL, _fragment(_with(index=-1))),
    ),
    Form(_PARALLEL, "several calls come in one chunk", "tools.all-in-one-delta", _at_once(CALLS, lambda payload: None)),
    Form(_PARALLEL, "the calls' deltas alternate", "tools.interleaved", _in_order(0, 1, 4, 2, 5, 3, 6, 7)),
    Form(
        _OFFSET,
        "a number is left out",
        "tools.index-gap",
        _bent(CALLS, _fragment(lambda one: one.update(index=3 * one["index"]))),
    ),
    Form(_OFFSET, "call 1 comes before call 0", "tools.reversed", _in_order(0, 4, 5, 6, 1, 2, 3, 7)),
    Form(
        "tool-call-id-empty-continuation",
        "it is empty text",
        "tools.id-empty-later",
        _bent(CALLS, _later(_with(id=""))),
    ),
    Form("tool-call-id-empty-continuation", "it is null", "tools.id-null-later", _bent(CALLS, _later(_with(id=None)))),
    Form("tool-call-not-in-array", "it is an object", "tools.delta-object", _bent(CALLS, _without_array)),
    Form(_NAME, "the name alone is empty text", "tools.name-empty-later", _bent(CALLS, _later(_function_of(name="")))),
    Form(_NAME, "the name alone is null", "tools.name-null-later", _bent(CALLS, _later(_function_of(name=None)))),
    Form(_NAME, "id and name are empty text", "tools.all-empty-later", _bent(CALLS, _later(_empty_ids))),
    Form(_NAME, "id, type and name are null", "tools.all-null-later", _bent(CALLS, _later(_null_ids))),
    Form(_NAME, "id and name are null", "tools.id-and-name-null-later", _bent(CALLS, _later(_null_id_and_name))),
    Form(_TYPE, "it is absent or null", "tools.type-missing", _bent(CALLS, _opening(_without("type")))),
    Form(_TYPE, "it is absent or null", "tools.type-null", _bent(CALLS, _opening(_with(type=None)))),
    Form(_TYPE, "it is empty text", "tools.type-empty", _bent(CALLS, _opening(_with(type="")))),
    Form(_TYPE, "it is empty text later", "tools.type-empty-later", _bent(CALLS, _later(_with(type="")))),
    Form(_TYPE, "it is null later", "tools.type-null-later", _bent(CALLS, _later(_with(type=None)))),
    Form(_TYPE, "it comes again", "tools.type-each", _bent(CALLS, _later(_with(type="function")))),
    Form(
        "tool-call-finish-per-call",
        "every chunk has one",
        "tools.finish-each",
        _bent(CALLS, _choice(finish_reason="tool_calls")),
    ),
    Form(
        "tool-call-finish-per-call",
        "every chunk has one and a whole call",
        "tools.finish-each-whole",
        _whole_with_finish(),
    ),
    Form(_AFTER_DONE, "it comes twice", "text.done-twice", _ended(b"data: [DONE]\n\n" * 2)),
    Form(_AFTER_DONE, "content follows it", "text.after-done", exchange(sse(TEXT) + frame(TEXT[1]))),
    Form(_AFTER_DONE, "the usage follows it", "usage.after-done", exchange(sse(TEXT) + frame(chat_usage()[-1]))),
    Form(_HELD_OPEN, "[DONE] came", "text.done-hang", _held_open(sse(TEXT))),
    Form(_HELD_OPEN, "[DONE] never comes", "text.no-done-hang", _held_open(sse(TEXT, done=False))),
    Form(_OWN_CHUNK, "the finish chunk has it", "usage.in-finish-chunk", _bent(TEXT, _with(usage=USAGE), LAST)),
    Form(
        _OWN_CHUNK,
        "another chunk with choices has it",
        "usage.choices-nonempty",
        exchange(sse([*TEXT, chunk({}, usage=USAGE)])),
    ),
    Form(_REASONING, "the key is reasoning_content", "reasoning.perfect", _reasoning(reasoning_content="Hm.")),
    Form(_REASONING, "the key is reasoning", "reasoning.key-reasoning", _reasoning(reasoning="Hm.")),
    Form(_REASONING, "both keys are sent", "reasoning.key-both", _reasoning(reasoning="Hm.", reasoning_content="Hm.")),
    Form(
        _REASONING,
        "the key is reasoning",
        "reasoning.reasoning-and-details",
        _reasoning(reasoning="Hm.", reasoning_details=_DETAILS),
    ),
    Form(
        _REASONING,
        "the key is reasoning_content",
        "reasoning.content-and-details",
        _reasoning(reasoning_content="Hm.", reasoning_details=_DETAILS),
    ),
    Form(_REASONING, "it stays in the text as <think>", "reasoning.think-inline", _THINKS),
    Form(
        _REASONING,
        "it stays in the text as <think>, a piece of its own",
        "reasoning.think-alone",
        exchange(sse(chat_text("<think>", "Hm.", "</think>", "Spring is here."))),
    ),
    Form(
        _REASONING,
        "it stays in the text as <reasoning>",
        "reasoning.tag-reasoning",
        exchange(sse(chat_text("<reasoning>Hm.</reasoning>", "Spring is here."))),
    ),
    Form(_MARKUP, "the text ends in it", "text.markup-at-end", exchange(sse(chat_text(*_SAID, "</s>")))),
    Form(
        _MARKUP,
        "the text begins with it",
        "text.markup-first",
        exchange(sse(chat_text("<|channel|>final<|message|>", *_SAID))),
    ),
    Form(
        _MARKUP,
        "the name of a call holds it",
        "tool1.markup-in-name",
        exchange(sse(chat_tool(name="get_weather<|channel|>commentary"))),
    ),
    Form(_CALL_ID, "it is absent or null", "tools.id-missing", _bent(CALLS, _opening(_without("id")))),
    Form(_CALL_ID, "it is absent or null", "tools.id-null", _bent(CALLS, _opening(_with(id=None)))),
    Form(_CALL_ID, "it is empty", "tool1.id-empty", _bent(CALL, _opening(_with(id="")))),
    Form(_CALL_ID, "it is empty", "tool1.id-empty-whole", _bent(_WHOLE_ONE, _opening(_with(id="")))),
    Form(_CALL_ID, "it is empty in several calls", "tools.id-empty", _bent(CALLS, _opening(_with(id="")))),
    Form(
        _CALL_ID,
        f"it is a number{_IN_WHOLE}",
        "tools.id-number-whole",
        _bent(_WHOLE_TWO, _fragment(lambda one: one.update(id=one["index"] + 7))),
    ),
    Form(_TYPE, f"it is empty text{_IN_WHOLE}", "tools.type-empty-whole", _bent(_WHOLE_TWO, _fragment(_with(type="")))),
    Form(
        _OFFSET,
        "a number is left out before a call that is whole in one chunk",
        "tools.index-gap-whole",
        _bent(_WHOLE_TWO, _fragment(lambda one: one.update(index=3 * one["index"]))),
    ),
    Form(
        "tool-call-index-negative",
        f"it is text{_IN_WHOLE}",
        "tools.index-string-whole",
        _bent(_WHOLE_TWO, _fragment(lambda one: one.update(index=str(one["index"])))),
    ),
    Form(
        _CALL_ID,
        "it is a number",
        "tools.id-number",
        _bent(CALLS, _opening(lambda one: one.update(id=one["index"] + 7))),
    ),
    Form(_CALL_ID, "it comes only later", "tools.id-late", _late_ids()),
    Form("object-wrong", "in every chunk", "text.object-wrong", _bent(TEXT, _with(object="chat.completion"))),
    Form(
        "object-wrong",
        "in the finish chunk alone",
        "text.object-wrong-last",
        _bent(TEXT, _with(object="chat.completion.done"), LAST),
    ),
    Form(
        "object-wrong",
        "in some chunks",
        "text.object-wrong-mid",
        _bent(TEXT, _with(object="chat.completion"), slice(2, 3)),
    ),
    Form(_BLANK, "it is the whole body", "text.single-newline", exchange([sse(TEXT).replace(b"\n\n", b"\n")])),
    Form(_BLANK, "a blank line comes behind them", "text.two-joined", _joined(1)),
    Form(_BLANK, "the body ends behind them", "text.last-joined", _joined(-2, done=False)),
    Form(
        _BLANK,
        "the body ends behind them, and the answer is cut at length",
        "text.last-joined-length",
        _joined(-2, TEXT_TO_LENGTH, done=False),
    ),
    Form(
        _BLANK,
        "it is the whole body, and the answer is cut at length",
        "text.single-newline-length",
        exchange([sse(TEXT_TO_LENGTH).replace(b"\n\n", b"\n")]),
    ),
    Form(
        "usage-in-choice",
        "it stands in a choice",
        "usage.in-choice",
        _bent(TEXT, _choice(usage=dict(USAGE)), LAST),
    ),
    Form(_BODY, "error is text", "failed.error-text", failing({"error": _WORDS, "error_type": "template_error"})),
    Form(_BODY, "error has no message", "failed.error-detail", failing({"error": {"detail": _WORDS}})),
    Form(_BODY, "message stands in no error", "refused.message", failing({"message": _WORDS, "code": 401}, status=401)),
    Form(_BODY, "message stands in no error, at 422", "failed.message", failing({"message": _WORDS, "code": 422})),
    Form(_BODY, "detail stands for it", "refused.detail", failing({"detail": _WORDS}, status=401)),
    Form(_BODY, "detail stands for it, at 422", "failed.detail", failing({"detail": _WORDS})),
    Form(_BODY, "it stands in a list", "failed.list", failing([FAILURE])),
    Form(_BODY, "it is plain text", "failed.plain", failing(_WORDS, "text/plain")),
    Form(_BODY, "it is markup", "refused.html", failing(_PAGE, "text/html", 401)),
    Form(_BODY, "it is markup, at 422", "failed.html", failing(_PAGE, "text/html")),
    Form(_BODY, "it is text in JSON", "failed.json-text", failing(json.dumps(_WORDS))),
    Form(_BODY, "errors stands for it", "failed.errors", failing({"errors": [{"code": 422, "message": _WORDS}]})),
    Form(_BODY, "it is an event stream", "failed.sse", failing(frame(FAILURE).decode(), "text/event-stream")),
    Form("usage-in-choice", "it stands in x_groq alone", "usage.x-groq", _vendors()),
    Form(_SUMS, "completion_tokens is null", "usage.completion-null", _counts(completion_tokens=None)),
    Form(_SUMS, "prompt_tokens is null", "usage.prompt-null", _counts(prompt_tokens=None)),
    Form(_SUMS, "total_tokens is null", "usage.total-null", _counts(total_tokens=None)),
    Form(
        _SUMS,
        "the numbers are floats",
        "usage.floats",
        _counts(**{key: float(USAGE[key]) for key in _TOKENS}, queue_time=0.25),
    ),
    Form(_SUMS, "the numbers are text", "usage.strings", _counts(**{key: str(USAGE[key]) for key in _TOKENS})),
    Form(_USAGE, "it has numbers", "usage.each-chunk", _second_usage(dict(USAGE))),
    Form(_USAGE, "some of its numbers are null until the end", "usage.null-until-end", _null_until_the_end()),
    Form(_USAGE, "its numbers fall", "usage.falling", _falling()),
    Form(_USAGE, "its counts are 0 until the end", "usage.zero-until-end", _zero_until_the_end(chat_usage())),
    Form(_USAGE, "its counts are 0 until the end", "usage.zero-until-finish", _zero_until_the_end(TEXT)),
    Form(
        _USAGE,
        "it comes twice, once with the finish",
        "usage.twice-with-finish",
        exchange(sse([*TEXT[:-1], {**TEXT[-1], "usage": USAGE}, chat_usage()[-1]])),
    ),
    Form(
        _USAGE,
        "it comes twice, once with the finish",
        "usage.twice-with-text-and-finish",
        exchange(sse([*TEXT[:-2], *({**payload, "usage": USAGE} for payload in TEXT[-2:])])),
    ),
    Form(_USAGE, "it comes twice", "usage.twice", exchange(sse([*chat_usage(), chat_usage()[-1]]))),
    Form(_USAGE, f"it has numbers{_COSTS}", "usage.each-chunk-cost", _costing(TEXT)),
    Form(_USAGE, f"it comes twice, once with the finish{_COSTS}", "usage.twice-with-finish-cost", _costing([TEXT[-1]])),
    Form(_USAGE, f"its numbers fall{_COSTS}", "usage.falling-cost", _falling(cost={"total_cost": 0.00501})),
    Form(_USAGE, f"it comes twice{_COSTS}", "usage.twice-cost", _twice_costing()),
    Form(_USAGE, "it is an empty object until the end", "usage.empty-object-each", _second_usage({})),
]
