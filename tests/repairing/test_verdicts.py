"""What is said of a repair before it and by it: over every stream of the repository, not one verdict it does not keep.

"Safe" is gone from the mended stream, "unsafe" from the one mended with ``--unsafe``, and not by an error event in its
stead. "Cannot be mended" is still there, in both, or the account says why it could not. "Told" is what cannot be had
back: the mended stream ends with an error event that says so. Bytes that change have a word in the account.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalized, normalize
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repair import Origin
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.events import ErrorPayload
from tests import corpus, messages, responses, streams

FIXTURES = corpus.CORPUS.parent / "fixtures"
CASES = [*corpus.directories(), *sorted(found.parent for found in FIXTURES.rglob("exchange.json"))]
#: A wait is no byte: what is held back may come after it as well, and it is there all the same.
WAITS = {"stall-gap"}


class Mended(NamedTuple):
    """A repair, whether its last event tells of a loss, and what is found in its output."""

    repaired: Normalized
    lost: bool
    findings: Sequence[Finding]

    @property
    def places(self):
        return {(one.rule, one.path) for one in self.findings}


@cache
def _read(directory: Path):
    return read_exchange_dir(directory)


@cache
def _found(directory: Path):
    return analyze(_read(directory)).findings


@cache
def _mended(directory: Path, *, unsafe: bool = False):
    return _repair(_read(directory), unsafe=unsafe)


def _repair(exchange: Exchange, *, unsafe: bool):
    events = deque(maxlen=2)  # of Responses the failure comes last
    repaired = normalize(exchange, unsafe=unsafe, each=events.append)
    return Mended(repaired, any(map(_tells_of_a_loss, events)), analyze(repaired.exchange).findings)


def _tells_of_a_loss(event) -> bool:
    """Whether an event is an error that nobody sent but the normalizer, which says that the answer is not whole."""
    made = any(change.origin is Origin.INVENTED for change in event.changes)
    return made and isinstance(event.event, ErrorPayload)


def _longest_wait(exchange) -> int:
    came = [segment.offset_us for segment in exchange.segments if segment.offset_us is not None]
    return max((later - earlier for earlier, later in pairwise(came)), default=0)


def _assert_kept(exchange, found, safe: Mended, unsafe: Mended, where):
    worth = [one for one in found if one.severity is not Severity.INFO]
    said = {how: {one.rule for one in worth if one.repairability is how} for how in Repairability}
    for mended in (safe, unsafe):
        gone = said[Repairability.NONE] - {one.rule for one in mended.findings}
        waited = _longest_wait(mended.repaired.exchange) >= _longest_wait(exchange)
        assert waited or not gone & WAITS, where
        assert not gone - WAITS - {one.rule for one in mended.repaired.unrepaired}, (where, gone)
    assert safe.lost or not said[Repairability.TOLD], where
    for how, mended in ((Repairability.SAFE, safe), (Repairability.UNSAFE, unsafe)):
        left = {one.rule for one in worth if one.repairability is how and (one.rule, one.path) in mended.places}
        assert not left, (where, how, left)
    by_error = said[Repairability.UNSAFE] - unsafe.repaired.changes.keys() if unsafe.lost else None
    assert not by_error, (where, by_error)


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_verdicts_are_kept(folder):
    for directory in (one for one in CASES if one.parent == folder):
        safe = _mended(directory)
        if not safe.repaired.left_alone and "translated" not in safe.repaired.changes:
            unsafe = _mended(directory, unsafe=True)
            _assert_kept(_read(directory), _found(directory), safe, unsafe, directory)


@pytest.mark.parametrize("folder", sorted({one.parent for one in CASES}))
def test_no_byte_changes_without_a_word(folder):
    for directory in (one for one in CASES if one.parent == folder):
        exchange, (repaired, _, _) = _read(directory), _mended(directory)
        if repaired.exchange.body != exchange.body:
            assert repaired.changes or repaired.unrepaired or repaired.dropped, directory


def _chat(*events: object, **asked: object) -> Exchange:
    first = streams.frame(streams.chunk({"role": "assistant", "content": "Spring"}))
    framed = (one if isinstance(one, bytes) else streams.frame(one) for one in events)
    return streams.exchange(first + b"".join(framed) + b"data: [DONE]\n\n", request=streams.request_for(**asked))


def _calling(arguments: str) -> Exchange:
    return _chat(streams.chunk({"tool_calls": [streams.call(0, "call_1", "get_weather", arguments)]}), tools=True)


def _thinking(text: str) -> Exchange:
    return streams.exchange(streams.sse(streams.chat_text(text)), request=streams.request_for(tools=True))


def _messages(name: str) -> Exchange:
    events = messages.tool()
    events[5] = messages.opened(1, "tool_use", name=name)
    return messages.exchange(messages.sse(events))


def _responses(*dropped: str, without: str = "", **changes: object) -> Exchange:
    """A text answer without the events of some types, and without a member of the finished response."""
    events = [one for one in responses.text() if one["type"].removeprefix("response.") not in dropped]
    final = events[-1]["response"]
    final.update(changes)
    final.pop(without, None)
    return responses.exchange(responses.numbered(events))


_START = ("output_item.added", "content_part.added")
_ENDS = ("output_text.done", "content_part.done", "output_item.done")
_DELTAS = ("output_text.delta", "content_part.done")
_MORE = streams.frame(streams.chunk({"content": " is here."}))
_SECOND = streams.chunk({"role": "assistant"}, "stop", 1)
_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
_ORDER, _EMPTY = "responses-lifecycle-order", "responses-completed-output-empty"
_FINISH = "finish-reason-missing"
MADE = {
    "the end is guessed": (_chat(), _FINISH, Repairability.UNSAFE),
    "a call is whole": (_calling("{}"), _FINISH, Repairability.UNSAFE),
    "a call is cut": (_calling('{"city"'), _FINISH, Repairability.NONE),
    "a call has no arguments": (_calling(""), _FINISH, Repairability.NONE),
    "an event is cut, last": (_chat(b'data: {"id":"ch\n\n'), _FINISH, Repairability.TOLD),
    "an event is cut, among others": (_chat(b'data: {"id":"ch\n\n', _MORE), _FINISH, Repairability.NONE),
    "an event is no JSON": (_chat(b"data: {id: 1}\n\n"), _FINISH, Repairability.NONE),
    "an event has a bracket too many": (_chat(b'data: {"id": 1}}\n\n', _MORE), _FINISH, Repairability.NONE),
    "a comment inside": (_chat(b": waiting\n\n", _MORE), _FINISH, Repairability.UNSAFE),
    "a choice that nobody asked for": (_chat(_SECOND), _FINISH, Repairability.NONE),
    "a choice that was asked for": (_chat(_SECOND, n=2), _FINISH, Repairability.UNSAFE),
    "a call in thinking": (_thinking(f"<think>\n{_CALL}"), "reasoning-field-variants", Repairability.UNSAFE),
    "a call behind thinking": (_thinking(f"Hm.</think>{_CALL}"), "reasoning-field-variants", Repairability.UNSAFE),
    "thinking and an answer": (_thinking("<think>Hm.</think>Yes."), "reasoning-field-variants", Repairability.NONE),
    "a tool in other case": (_messages("Read_File"), "messages-tool-name-not-in-tools", Repairability.UNSAFE),
    "a tool that is not there": (_messages("list_files"), "messages-tool-name-not-in-tools", Repairability.NONE),
    "an item never added": (_responses(*_START), _ORDER, Repairability.UNSAFE),
    "an item never added, told by its end": (_responses(*_START, *_DELTAS), _ORDER, Repairability.NONE),
    "nor done, and not listed": (_responses(*_START, *_ENDS, output=[]), _EMPTY, Repairability.UNSAFE),
    "nor done, and the end without an id": (
        _responses(*_START, *_ENDS, output=[], without="id"), "responses-missing-response-id", Repairability.UNSAFE
    ),
    "told by its text alone": (
        _responses(*_START, *_DELTAS, "output_item.done", output=[]), _EMPTY, Repairability.NONE
    ),
    "added, told and not done": (_responses("output_item.done", output=[]), _EMPTY, Repairability.SAFE),
    "not done, and the end without an id": (
        _responses("output_item.done", output=[], without="id"), "responses-missing-response-id", Repairability.SAFE
    ),
    "added and never told": (_responses(*_ENDS, output=[]), _EMPTY, Repairability.NONE),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_verdict_is_that_of_what_the_repair_does(name):
    exchange, rule, verdict = MADE[name]
    found = analyze(exchange).findings
    assert {one.repairability for one in found if one.rule == rule} == {verdict}
    _assert_kept(exchange, found, _repair(exchange, unsafe=False), _repair(exchange, unsafe=True), name)
