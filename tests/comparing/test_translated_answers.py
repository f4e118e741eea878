"""One answer told in three protocols: the same in all, and each loss named by what is lost, whoever translates."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace

import pytest

from streamlab.comparing.hops import compare_exchanges
from tests import messages, responses, streams

Call = tuple[str, str, dict[str, str]]
_A: Call = ("a1", "read_file", {"path": "/a.md"})
_B: Call = ("b2", "read_file", {"path": "/b.md"})
_DELAYED = "delayed"  # streams of more events take longer here


@dataclass(frozen=True)
class Answer:
    """What is said, whatever the protocol."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    stop: str = "stop"
    tokens: tuple[int, int] = (21, 17)


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _messages(answer: Answer):
    sent, output = answer.tokens
    events, at = [messages.start(usage={**messages.INPUT, "input_tokens": sent, "output_tokens": 1})], 0
    if answer.thinking:
        thinking = [messages.delta(at, "thinking_delta", thinking=one) for one in _pieces(answer.thinking, 4)]
        signed = messages.delta(at, "signature_delta", signature="abc")
        events += [messages.opened(at, "thinking"), *thinking, signed, messages.closed(at)]
        at += 1
    if answer.text:
        events += [messages.opened(at), *messages.said(at, *_pieces(answer.text, 5)), messages.closed(at)]
        at += 1
    for call_id, name, given in answer.calls:
        events.append(messages.opened(at, "tool_use", id=f"toolu_{call_id}", name=name, input={}))
        typed = _pieces(json.dumps(given), 3) if given else []
        events += [*messages.typed(at, "", *typed), messages.closed(at)]
        at += 1
    reason = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}[answer.stop]
    events += [messages.ended(reason, output, input_tokens=sent), messages.STOP]
    return messages.exchange(messages.sse(events))


def _chat(answer: Answer):
    sent, output = answer.tokens
    chunks = [streams.chunk({"role": "assistant", "content": ""})]
    chunks += [streams.chunk({"reasoning_content": one}) for one in _pieces(answer.thinking, 3)]
    chunks += [streams.chunk({"content": one}) for one in _pieces(answer.text, 3)]
    for at, (call_id, name, given) in enumerate(answer.calls):
        start = {"index": at, "id": f"call_{call_id}", "type": "function", "function": {"name": name, "arguments": ""}}
        chunks.append(streams.chunk({"tool_calls": [start]}))
        for one in _pieces(json.dumps(given, separators=(",", ":")), 2):
            chunks.append(streams.chunk({"tool_calls": [{"index": at, "function": {"arguments": one}}]}))
    chunks.append(streams.chunk({}, answer.stop))
    usage = {"prompt_tokens": sent, "completion_tokens": output, "total_tokens": sent + output}
    chunks.append({**streams.chunk({}), "choices": [], "usage": usage})
    return streams.exchange(streams.sse(chunks), request=streams.request_for(usage=True, tools=True))


def _responses(answer: Answer):
    sent, output = answer.tokens
    items = [responses.thought(answer.thinking)] if answer.thinking else []
    items += [responses.message(answer.text)] if answer.text else []
    for call_id, name, given in answer.calls:
        items.append({**responses.call(f"call_{call_id}", json.dumps(given), f"fc_{call_id}"), "name": name})
    status = "incomplete" if answer.stop == "length" else "completed"
    if status == "incomplete":
        items[-1]["status"] = status
    usage = {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + output,
    }
    return responses.exchange(responses.stream(*items, status=status, usage=usage))


_PROTOCOLS = {"chat": _chat, "messages": _messages, "responses": _responses}
_WAYS = list(itertools.permutations(_PROTOCOLS, 2))
_TEXT = Answer("Spring is here. It is warm, and the days grow longer.")
_THOUGHT = Answer("Spring is here.", "It is March.")
_CALL = Answer("I look.", calls=(_A,), stop="tool_calls")
_CALLS = Answer(calls=(_A, _B), stop="tool_calls")
_CUT = Answer("Spring is", stop="length")
_RIGHT = {
    "text": _TEXT,
    "thinking": _THOUGHT,
    "a call": _CALL,
    "two calls": _CALLS,
    "a call without arguments": Answer(calls=(("c3", "now", {}),), stop="tool_calls"),
    "cut": _CUT,
    "a text that repeats itself": Answer("Ha. Ha. Ha. Ha."),
    "all of it": Answer("I look.", "Two files.", (_A, _B), "tool_calls"),
}
_LOST = {
    "the end of the text": (_TEXT, {"text": _TEXT.text[:-10]}, "text-lost: lost 10 characters"),
    "text in the middle": (_TEXT, {"text": _TEXT.text[:10] + _TEXT.text[20:]}, "text-lost: lost 10 characters"),
    "text twice": (_TEXT, {"text": _TEXT.text * 2}, "text-added: added 53 characters"),
    "thinking": (_THOUGHT, {"thinking": ""}, "text-lost: lost 12 characters of reasoning"),
    "a call": (_CALLS, {"calls": (_A,)}, "call-lost: lost the call of read_file"),
    "order": (_CALLS, {"calls": (_B, _A)}, "calls-reordered: sent the calls in another order"),
    "arguments": (_CALL, {"calls": ((*_A[:2], {}),)}, "call-changed: changed the arguments of read_file"),
    "output tokens": (_TEXT, {"tokens": (21, 0)}, "usage-lost: lost the usage: 17 output tokens"),
    "input tokens": (_TEXT, {"tokens": (0, 17)}, "usage-lost: lost the usage: 21 input tokens"),
    "that it was cut": (_CUT, {"stop": "stop"}, "finish-reason-changed: changed finish_reason length to stop"),
}


def _told(answer: Answer, became: Answer, way: tuple[str, str]) -> list[str]:
    a, b = (_PROTOCOLS[protocol](one) for protocol, one in zip(way, (answer, became), strict=True))
    return [f"{one.kind}: {one.message}" for one in compare_exchanges(a, b).differences if one.kind != _DELAYED]


@pytest.mark.parametrize("way", _WAYS, ids="-".join)
@pytest.mark.parametrize("name", _RIGHT)
def test_a_right_translation_is_not_blamed(name, way):
    assert _told(_RIGHT[name], _RIGHT[name], way) == []


@pytest.mark.parametrize("way", _WAYS, ids="-".join)
@pytest.mark.parametrize("name", _LOST)
def test_a_loss_is_named_once_and_by_its_size(name, way):
    answer, changes, said = _LOST[name]
    [told] = _told(answer, replace(answer, **changes), way)
    assert told.startswith(said)
