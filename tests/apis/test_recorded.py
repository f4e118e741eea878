"""Recordings of foreign protocols, translated: nothing of what the raw JSON says may be lost, and nothing be added."""

from __future__ import annotations

import json

import pytest

from streamlab.apis.registry import by_name
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, normalize
from tests import corpus
from tests.apis import readings
from tests.batches import batched

CASES = [
    pytest.param(directory, read, id=directory.name)
    for folder, read in (
        ("gemini.generateContent", readings.gemini),
        ("anthropic.messages", readings.anthropic),
        ("ollama", readings.ollama),
    )
    for directory in corpus.recorded(folder)
]


def _streamed(directory):
    exchange = corpus.load(directory)
    head = exchange.head
    return exchange if head is not None and head.status == 200 else None


@corpus.needs_recorded
@batched("directory, read", CASES, parts=2)
def test_translates_without_loss(directory, read):
    exchange = _streamed(directory)
    if exchange is None:
        pytest.skip("an HTTP error answer")
    expected = read(exchange.body)
    repaired = normalize(exchange, to_chat=True)
    said = readings.chat(repaired.exchange.body)
    if expected["error"] is not None or expected["finish"] is None:
        assert said["finish"] is None, "a finish was invented"
        assert said["error"], "a stream that did not finish ends with an error event"
        expected.update(error=said["error"], prompt=None, completion=None, finish=None)
    assert said == expected
    assert [one.message for one in analyze(repaired.exchange).findings if str(one.severity) == "error"] == []


@corpus.needs_recorded
@batched("directory, read", CASES[::7])
def test_is_incremental(directory, read):
    """Any cutting gives the same chunks, and text goes out with the event that brings it."""
    exchange = _streamed(directory)
    if exchange is None:
        pytest.skip("an HTTP error answer")
    whole = normalize(exchange, to_chat=True).exchange.body
    normalizer = Normalizer(exchange.request, exchange.head, to_chat=True)
    pieces = [normalizer.feed(exchange.body[at : at + 7]) for at in range(0, len(exchange.body), 7)]
    last = normalizer.finish(exchange.ending)
    assert b"".join(pieces) + last == whole
    assert readings.chat(b"".join(pieces))["content"] == readings.chat(whole)["content"]


#: Entries of the two catalogues that go by another name here.
_NAMED_OTHERWISE = {"body-not-a-stream": "body-not-event-stream"}


@corpus.needs_recorded
@pytest.mark.parametrize("catalogue", ["ANTHROPIC.json", "RESPONSES.json"])
def test_every_measured_deviation_has_its_rule(catalogue):
    listed = json.loads((corpus.RECORDED.parents[1] / catalogue).read_text(encoding="utf-8"))
    names = {_NAMED_OTHERWISE.get(one["id"], one["id"]) for one in listed}
    assert names - by_name().keys() == set()
    assert len(names) > 70
