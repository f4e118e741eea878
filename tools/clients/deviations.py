"""Perfect streams with one deviation each, by the names that cases.toml and the results use.

Those that `tests.variants` and ``corpus/scenarios`` hold already are not here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from as_completions import completion
from bends import CALL, CALLS, FIRST, LAST, NOT_LAST, TEXT, USAGE, WHOLE, bent, dropping, of_choice, of_delta, setting
from logprobs import LOGPROBS, LOGPROBS_OF_COMPLETIONS, LOGPROBS_PERFECT
from other_apis import OTHER_APIS, OTHER_PERFECT
from own_apis import STREAMS
from tool_deviations import TOOLS, two_calls

from streamlab.exchange import Ending, Exchange
from tests import streams
from tests.streams import Payload, chunk, exchange, frame, sse
from tests.variants import COUNTED, TEXT_TO_LENGTH, WITH_ROLE

#: A text with a character of four bytes.
WIDE = streams.chat_text("Spring is 🌸", " is", " here", ".")
RESPONSE = streams.responses_text()
_THOUGHTS = [{"type": "text", "text": piece} for piece in ("H", "m.")]
_SAID = ("Spring", " is", " here.")
_LISTS = [[{"type": "text", "text": piece}] for piece in _SAID]
_REASONED = [[{"type": "reasoning", "text": piece}] for piece in ("H", "m.")]
_THINKING = [[{"type": "thinking", "thinking": [one]}] for one in _THOUGHTS]
ERROR = {"message": "The server had an error", "type": "server_error", "param": None, "code": None}


def _between(event: bytes, at: int = 2) -> Exchange:
    """The perfect text with other bytes in the middle."""
    return exchange(sse(TEXT[:at], done=False) + event + sse(TEXT[at:]))


def _each(change: Callable[[bytes], bytes]) -> Exchange:
    """Every event of the perfect text as ``change`` frames its payload, and [DONE]."""
    return exchange(b"".join(change(streams.dump(payload)) for payload in TEXT) + change(b"[DONE]"))


def _renamed(choice: Payload) -> None:
    choice["message"] = choice.pop("delta")


def _failing(event: bytes) -> Exchange:
    """Half an answer, and then this."""
    return exchange(sse(TEXT[:3], done=False) + event)


def _cut(body: bytes) -> Exchange:
    return exchange([body], ending=Ending.UPSTREAM_CUT)


def _closed(body: bytes) -> Exchange:
    """A body that ends where the connection does."""
    return exchange([body], headers=(streams.HEADERS[0], ("connection", "close")))


def _plain(body: bytes, kind: str, status: int = 200) -> Exchange:
    return exchange([body], status=status, headers=(("content-type", kind), ("transfer-encoding", "chunked")))


def _typed(kind: str | None) -> Exchange:
    headers = (("transfer-encoding", "chunked"),)
    return exchange(WHOLE, headers=headers if kind is None else (("content-type", kind), *headers))


def _coded(coding: str, body: bytes) -> Exchange:
    return exchange([body], headers=(*streams.HEADERS, ("content-encoding", coding)))


def _chunk_without(key: str) -> Payload:
    return {name: value for name, value in chunk({}).items() if name != key}


def _second_choice() -> Exchange:
    others = [chunk(payload["choices"][0]["delta"], payload["choices"][0]["finish_reason"], 1) for payload in TEXT]
    return exchange(sse([payload for pair in zip(TEXT, others, strict=True) for payload in pair]))


def _in_lists(*parts: Payload) -> Exchange:
    """Lists of one part each before the text."""
    return exchange(sse([TEXT[0], *(chunk({"content": [part]}) for part in parts), *TEXT[1:]]))


def _begun_by(*deltas: Any) -> Exchange:
    """An answer whose first delta has a list for its content; a list or text each."""
    first, *others = deltas
    opening = chunk({"role": "assistant", "content": first})
    return exchange(sse([opening, *(chunk({"content": one}) for one in others), TEXT[-1]]))


def _without_arguments() -> Exchange:
    """A call of a function that takes none, as OpenAI sends it."""
    return exchange(sse(streams.chat_tool("{}")))


def _one_of_two_finishes() -> Exchange:
    """Two choices, of which the second never finishes."""
    others = [chunk(payload["choices"][0]["delta"], None, 1) for payload in TEXT[:-1]]
    pairs = [payload for pair in zip(TEXT, others, strict=False) for payload in pair]
    return exchange(sse([*pairs, TEXT[-1]]), request=streams.request_for(n=2))


def _counted(**members: Any) -> Exchange:
    """Usage in every chunk, which counts nothing of the answer before the end, or has these numbers there."""
    nothing = {**streams.USAGE, "completion_tokens": 0, "total_tokens": streams.USAGE["prompt_tokens"], **members}
    said = [*({**payload, "usage": nothing} for payload in TEXT[:-1]), {**TEXT[-1], "usage": dict(streams.USAGE)}]
    return exchange(sse(said))


_BESIDE = {**streams.USAGE, "total_tokens": 21, "completion_tokens_details": {"reasoning_tokens": 5}}


def _beside() -> Exchange:
    """Reasoning that is counted beside the completion, and in the total."""
    return bent(USAGE, setting(usage=_BESIDE), LAST)


def _costing(cost: Any) -> Exchange:
    """A cost in usage, of a kind that is no number."""
    return bent(USAGE, lambda payload: payload["usage"].update(cost=cost), LAST)


def _surrogates() -> Exchange:
    """The two halves of an escaped character in two deltas."""
    halves = (frame(chunk({"content": "@"})).replace(b"@", half) for half in (b"\\ud83c", b"\\udf38"))
    return exchange(sse([WIDE[0], chunk({"content": "Spring is "})], done=False) + b"".join(halves) + sse(WIDE[2:]))


def _pieces(body: bytes, size: int) -> Exchange:
    return exchange([body[at : at + size] for at in range(0, len(body), size)])


def _legacy(payloads: list[Payload]) -> Exchange:
    """An answer to a request of legacy completions."""
    return exchange(sse(payloads), request=streams.request_for(path="/v1/completions"))


def _with_message(payload: Payload) -> Payload:
    """A chunk of chat with a message in place of its delta."""
    choice = {**payload["choices"][0]}
    _renamed(choice)
    return {**payload, "choices": [choice]}


def _ending_in_delta() -> Payload:
    """The finish of legacy completions, with an empty delta in place of its text."""
    choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    return {**_COMPLETIONS[-1], "choices": [choice]}


def _json(payload: Any) -> bytes:
    return json.dumps(payload).encode()


_ANSWER = {
    "id": streams.ID,
    "object": "chat.completion",
    "created": streams.CREATED,
    "model": streams.MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Spring is here."}, "finish_reason": "stop"}],
    "usage": streams.USAGE,
}
_HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_LINES = b"\n".join(map(streams.dump, TEXT)) + b"\n"
_INDENTED = b"".join(
    b"".join(b"data: " + line + b"\n" for line in json.dumps(payload, indent=1).encode().splitlines()) + b"\n"
    for payload in TEXT
)
_COMPLETIONS = [completion(payload) for payload in TEXT]
_WIDE_AT = sse(WIDE).index("🌸".encode()) + 2
_FRAMING: dict[str, Exchange] = {
    "text.split-all": exchange([WHOLE]),
    "text.split-1byte": _pieces(sse(WIDE), 1),
    "text.split-7byte": _pieces(sse(WIDE), 7),
    "text.split-in-utf8": exchange([sse(WIDE)[:_WIDE_AT], sse(WIDE)[_WIDE_AT:]]),
    "text.surrogate-split": _surrogates(),
    "text.utf8-invalid": exchange(sse(WIDE).replace("🌸".encode(), "🌸".encode()[:2])),
    "text.crlf": exchange([WHOLE.replace(b"\n", b"\r\n")]),
    "text.cr-only": exchange([WHOLE.replace(b"\n", b"\r")]),
    "text.data-no-space": exchange(WHOLE.replace(b"data: ", b"data:")),
    "text.done-no-space": exchange(WHOLE.replace(b"data: [", b"data:[")),
    "text.chunks-no-space": exchange(WHOLE.replace(b"data: {", b"data:{")),
    "text.multiline-data": exchange(_INDENTED + b"data: [DONE]\n\n"),
    "text.raw-newline-in-json": exchange(WHOLE.replace(b" is", b" \nis")),
    "text.two-json-concat": exchange(WHOLE.replace(frame(TEXT[2]) + b"data: ", b"data: " + streams.dump(TEXT[2]))),
    "text.ndjson": exchange([_LINES]),
    "text.event-names": _each(lambda data: b"event: message\nid: 1\nretry: 3000\ndata: " + data + b"\n\n"),
    "text.event-names-custom": _each(lambda data: b"event: chunk\ndata: " + data + b"\n\n"),
    "text.ping-comments": _between(b": ping\n\n"),
    "text.ping-openrouter": _between(b": OPENROUTER PROCESSING\n\n", at=0),
    "text.ping-data-empty": _between(b"data: \n\n"),
    "text.ping-event": _between(b"event: ping\ndata: {}\n\n", at=0),
    "text.no-done": exchange(sse(TEXT, done=False)),
    "text.ct-latin1": exchange(
        sse(WIDE), headers=(("content-type", "text/event-stream; charset=iso-8859-1"), streams.HEADERS[1])
    ),
    "text.ct-json": _typed("application/json"),
    "text.ct-missing": _typed(None),
    "text.gzip": _coded("gzip", gzip.compress(WHOLE)),
    "tx-gzip-mislabelled": _coded("gzip", WHOLE),
    "tx-content-length-too-long": exchange(
        [WHOLE],
        headers=(streams.HEADERS[0], ("content-length", str(len(WHOLE) + 40))),
        ending=Ending.UPSTREAM_CUT,
    ),
    "text.empty-200": exchange([]),
    "text.only-done": exchange(b"data: [DONE]\n\n"),
    "text.html-200": _plain(_HTML, "text/html"),
    "text.json-error-200": _plain(_json({"error": ERROR}), "application/json"),
    "text.json-error-201": _plain(_json({"error": ERROR}), "application/json", status=201),
    "text.json-nonstream": _plain(_json(_ANSWER), "application/json"),
    "text.trunc-boundary": _closed(sse(TEXT[:3], done=False)),
    "text.trunc-mid-json": _closed(sse(TEXT[:3], done=False)[:-20]),
    "text.abort-fin": _cut(sse(TEXT[:3], done=False)),
    "text.abort-fin-mid-json": _cut(sse(TEXT[:3], done=False)[:-20]),
    "sse-space-before-colon": exchange(WHOLE.replace(b"data: ", b"data : ")),
    "sse-event-ping-nodata": _between(b"event: ping\n\n"),
    "sse-id-only-event": _between(b"id: 1\n\n"),
    "sse-retry-only-event": _between(b"retry: 3000\n\n"),
    "sse-id-field-extra-blank": _each(lambda data: b"id: 1\ndata: " + data + b"\n\n\n"),
    "bytes-nul-in-data": exchange(WHOLE.replace(b" is", b" \0is")),
    "env-not-object-string": _between(b'data: "text"\n\n'),
    "env-null-json": _between(b"data: null\n\n"),
    "env-python-bytes-repr": _each(lambda data: b"data: b'" + data + b"'\n\n"),
}
_ERRORS: dict[str, Exchange] = {
    "text.error-mid": _failing(frame({"error": ERROR})),
    "text.error-mid-flat": _failing(frame({"object": "error", "message": "out of memory", "code": 500})),
    "text.error-mid-fastapi": _failing(frame({"detail": "Internal Server Error"})),
    "text.error-mid-string": _failing(frame({"error": "model runner has unexpectedly stopped"})),
    "text.error-mid-plain": _failing(frame(b"Internal Server Error")),
    "text.error-field": _failing(b"error: " + _json(ERROR) + b"\n\n"),
    "text.error-with-choices": _failing(frame(chunk({"content": ""}, "error", error={"code": 502, "message": "gone"}))),
}
_CHUNKS: dict[str, Exchange] = {
    "text.delta-missing": bent(TEXT, of_choice(dropping("delta")), LAST),
    "text.index-missing": bent(TEXT, of_choice(dropping("index"))),
    "text.message-for-delta": bent(TEXT, of_choice(_renamed)),
    "text.choices-empty-first": _between(frame(chunk(choices=[])), at=0),
    "text.choices-empty-mid": _between(frame(chunk(choices=[]))),
    "text.choices-empty-last": _between(frame(chunk(choices=[])), at=len(TEXT)),
    "text.choices-missing-mid": exchange(sse([*TEXT[:2], _chunk_without("choices"), *TEXT[2:]])),
    "text.choices-null-first": _between(frame(chunk(choices=None)), at=0),
    "text.choices-null-mid": _between(frame(chunk(choices=None))),
    "text.id-changes": exchange(sse([{**payload, "id": f"chatcmpl-{at}"} for at, payload in enumerate(TEXT)])),
    "text.object-empty": bent(TEXT, setting(object="")),
    "text.object-missing": bent(TEXT, dropping("object")),
    "text.service-tier-odd": bent(TEXT, setting(service_tier="on_demand")),
    "text.extra-fields": bent(TEXT, setting(x_vendor={"took": 1}, nonce="abc")),
    "text.extra-fields-delta": bent(TEXT, of_choice(lambda choice: choice["delta"].update(extra=None, number=1))),
    "text.extra-delta-dup-int": bent(TEXT, of_delta(setting(score=0.5))),
    "text.nan": _between(
        frame(chunk({"content": ""})).replace(
            b'"logprobs":null',
            b'"logprobs":{"content":[{"token":"","logprob":-Infinity,"bytes":[],"top_logprobs":[]}],"refusal":null}',
        )
    ),
    "text.role-each": bent(TEXT, of_delta(setting(role="assistant"))),
    "d-role-wrong": bent(TEXT, of_delta(setting(role="bot")), FIRST),
    "text.content-null-first": bent(TEXT, of_delta(setting(content=None)), FIRST),
    "text.content-null-mid": _between(frame(chunk({"content": None}))),
    "text.content-null-last": bent(TEXT, of_delta(setting(content=None)), LAST),
    "text.cumulative": exchange(sse(streams.chat_text("Spring", "Spring is", "Spring is here", "Spring is here."))),
    "text.toolcalls-empty": bent(TEXT, of_delta(setting(tool_calls=[]))),
    "text.toolcalls-null": bent(TEXT, of_delta(setting(tool_calls=None))),
    "text.n2-interleaved": _second_choice(),
    "text.n2-second-unfinished": _one_of_two_finishes(),
    "text.finish-stop-each": bent(TEXT, of_choice(setting(finish_reason="stop"))),
    "text.finish-missing-nonfinal": bent(TEXT, of_choice(dropping("finish_reason")), NOT_LAST),
    "text.finish-with-content": bent(TEXT[:-1], of_choice(setting(finish_reason="stop")), LAST),
    "usage.choices-null": bent(USAGE, setting(choices=None), LAST),
    "usage.choices-missing": bent(USAGE, dropping("choices"), LAST),
    "usage.unrequested": exchange(sse(USAGE), request=streams.request_for()),
    "reasoning.role-missing": exchange(sse([chunk({"reasoning_content": "Hm."}), *USAGE[1:]])),
    "text.begun-by-array": _begun_by(_LISTS[0], *_SAID[1:]),
    "text.begun-by-arrays": _begun_by(*_LISTS),
    "reasoning.begun-by-array": _begun_by([{"type": "reasoning", "text": "Hm."}], *_SAID),
    "reasoning.begun-by-arrays": _begun_by(*_REASONED, *_SAID),
    "reasoning.begun-by-array-then-text": _begun_by([{"type": "reasoning", "text": "Hm."}], *_LISTS),
    "reasoning.begun-by-thinking-then-text": _begun_by([{"type": "thinking", "thinking": _THOUGHTS}], *_LISTS),
    "reasoning.begun-by-thinking": _begun_by([{"type": "thinking", "thinking": _THOUGHTS}], *_SAID),
    "reasoning.begun-by-thinking-in-arrays": _begun_by(*_THINKING, *_SAID),
    "reasoning.role-missing-no-usage": exchange(sse([chunk({"reasoning_content": "Hm."}), *TEXT[1:]])),
    "reasoning.content-array": _in_lists({"type": "reasoning", "text": "Hm."}),
    "reasoning.content-array-thinking": _in_lists(*({"type": "thinking", "thinking": [one]} for one in _THOUGHTS)),
    "usage.cost-object": _costing({"request_cost": 0.005, "total_cost": 0.00501}),
    "usage.cost-text": _costing("0.00501"),
    "usage.in-second-finish-chunk": exchange(sse([*TEXT, {**TEXT[-1], "usage": streams.USAGE}])),
    "usage.role-missing": exchange(sse([*TEXT[1:-1], {**TEXT[-1], "usage": streams.USAGE}])),
    "usage.role-missing-empty-text": exchange(sse([*TEXT[1:-1], chunk({"content": ""}, "stop", usage=streams.USAGE)])),
    "usage.reasoning-beside": _beside(),
    "usage.completion-null-until-end": _counted(completion_tokens=None),
    "usage.total-null-until-end": _counted(total_tokens=None),
    "usage.before-finish": exchange(sse([*USAGE[:-2], USAGE[-1], USAGE[-2]])),
    "completions-chat-shape": _legacy(TEXT),
    "completions-chat-shape-message": _legacy([_with_message(payload) for payload in TEXT]),
    "completions-chat-shape-at-end": _legacy([*_COMPLETIONS[:-1], _ending_in_delta()]),
    "responses.no-event-names": streams.responses_exchange(sse(RESPONSE, done=False)),
    "responses.no-seq": streams.responses_exchange(
        streams.responses_sse([{**event, "sequence_number": None} for event in RESPONSE]).replace(
            b'"sequence_number":null,', b""
        )
    ),
    "responses.no-completed": streams.responses_exchange(streams.responses_sse(RESPONSE[:-1])),
}


def _thinking(key: str, *pieces: str) -> Exchange:
    """Reasoning in a field of this name before the text, a delta each."""
    return exchange(sse([TEXT[0], *(chunk({key: piece}) for piece in pieces), *TEXT[1:]]))


_REASONING = _thinking("reasoning", "Hm.")
_KEYS = {"content": "reasoning_content", "reasoning": "reasoning"}
_TAGGED = {f"reasoning.{name}-tagged": _thinking(key, "<think>", "Hm.", "</think>") for name, key in _KEYS.items()} | {
    f"reasoning.{name}-tagged-at-end": _thinking(key, "Hm.", "</think>") for name, key in _KEYS.items()
}
_OF_ONE_API = {name: made for name, (made, _) in STREAMS.items()}
MADE = _FRAMING | _ERRORS | _CHUNKS | _TAGGED | TOOLS | _OF_ONE_API | OTHER_APIS | LOGPROBS | LOGPROBS_OF_COMPLETIONS
#: Usage that comes often, and has a cost that Agno cannot add up.
_COSTLY = ("usage.each-chunk-cost", "usage.twice-with-finish-cost", "usage.falling-cost", "usage.twice-cost")
#: The perfect stream, where the name does not say it.
PERFECT: dict[str, Exchange] = {
    **{name: perfect for name, (_, perfect) in STREAMS.items()},
    **OTHER_PERFECT,
    **LOGPROBS_PERFECT,
    **dict.fromkeys(
        ("text.split-1byte", "text.split-7byte", "text.split-in-utf8", "text.surrogate-split"), exchange(sse(WIDE))
    ),
    **dict.fromkeys(("text.utf8-invalid", "text.ct-latin1"), exchange(sse(WIDE))),
    **dict.fromkeys(("tools.args-dup-final", "tools.args-cumulative", "tools.args-object-later"), exchange(sse(CALL))),
    **dict.fromkeys(("tools.args-null-only", "tools.args-empty", "tool1.args-null-text"), _without_arguments()),
    "tools.whole-no-index": exchange(sse(CALLS)),
    "text.delta-null-mid": exchange(sse([*TEXT[:2], *TEXT[3:]])),
    **dict.fromkeys(("text.last-joined-length", "text.single-newline-length"), exchange(sse(TEXT_TO_LENGTH))),
    "tools.args-object": two_calls(both=1, together=False, second="Oslo"),
    # Who knows reasoning by that name alone shows none of what the others show.
    **dict.fromkeys(("reasoning.perfect", "reasoning.content-and-details"), _REASONING),
    **{name: _thinking(_KEYS[name.partition(".")[2].partition("-")[0]], "Hm.") for name in _TAGGED},
    "usage.in-choice": exchange(sse(USAGE)),
    "usage.reasoning-beside": bent(USAGE, setting(usage=_BESIDE | {"completion_tokens": 9}), LAST),
    # Agno raises because of the cost, also where it comes once: unknown-extension-fields.
    **dict.fromkeys(_COSTLY, _costing({"total_cost": 0.00501})),
    "tool1.finish-twice-named": bent(CALL, of_choice(setting(finish_reason="stop")), LAST),
    **dict.fromkeys(("usage.completion-null-until-end", "usage.total-null-until-end"), _counted()),
    "tool1.markup-in-name": exchange(sse(CALL)),
    "reasoning.role-missing": exchange(sse([USAGE[0], chunk({"reasoning_content": "Hm."}), *USAGE[1:]])),
    "text.n2-second-unfinished": _second_choice(),
    **{name: exchange(sse(payloads)) for name, (_, payloads, _) in COUNTED.items()},
    **{name: exchange(sse(payloads)) for name, payloads in WITH_ROLE.items()},
    **dict.fromkeys((name for name in _CHUNKS if name.startswith("completions-chat-shape")), _legacy(_COMPLETIONS)),
}
