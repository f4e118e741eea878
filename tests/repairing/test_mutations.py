"""What relays, servers and lines do to streams that lie in the repository: no exception, and the laws hold.

Tens of thousands of such mutations were run for what is here (`make fuzz` runs more); a few are run every time.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Exchange, Request, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer, normalize
from tests import corpus, responses, streams
from tests.batches import batched
from tests.examples import examples
from tests.harm_laws import broken_laws
from tests.mutations import KINDS, mutated

FIXTURES = Path(__file__).parents[2] / "fixtures"
_SMALL = 6000
_FEW = settings(max_examples=examples(40))
_PERFECT = {
    "text": streams.chat_text("Spring", " is", " here", "."),
    "unicode": streams.chat_text("春天", "来了", " 🎉", "é"),
    "tool": streams.chat_tool(),
    "tools": streams.chat_tools(),
    "usage": streams.chat_usage("a", "b"),
    "completions": streams.completions_text(),
}
MUTATIONS = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 999), st.integers(0, 99_999)), min_size=1, max_size=2
)


@cache
def _small(folder: str) -> list[Path]:
    """Streams of a folder that are short enough to be repaired byte by byte."""
    found = sorted(FIXTURES.joinpath(folder).rglob("exchange.json")) if folder != "corpus" else corpus.CORPUS.rglob("*")
    return sorted(one.parent for one in found if one.name == "exchange.json" and _size(one) <= _SMALL)


def _size(meta: Path) -> int:
    return (meta.parent / "body.sse").stat().st_size


def _mutant(exchange: Exchange, mutations: list[tuple[int, int, int]]) -> Exchange:
    body = mutated(exchange.body, mutations)
    return replace(exchange, segments=(Segment(None, body),), http_chunks=None, end_us=None)


def _in_single_bytes(exchange: Exchange, *, unsafe: bool) -> bytes:
    normalizer = Normalizer(exchange.request, exchange.head, unsafe=unsafe)
    out = [normalizer.feed(exchange.body[at : at + 1]) for at in range(len(exchange.body))]
    assert normalizer.failed is None
    return b"".join(out) + normalizer.finish(exchange.ending)


def _asked(name: str) -> Request:
    path = "/v1/completions" if name == "completions" else "/v1/chat/completions"
    return streams.request_for(tools=name.startswith("tool"), usage=name == "usage", path=path)


@pytest.mark.parametrize("name", _PERFECT)
@_FEW
@given(mutations=MUTATIONS, asked=st.booleans())
def test_perfect_streams(name, mutations, asked):
    made = replace(streams.exchange([streams.sse(_PERFECT[name])]), request=_asked(name) if asked else None)
    assert broken_laws(_mutant(made, mutations)) == {}


def _known(name: str) -> Exchange:
    """What a mutant in mutants.json was made of: a rebuilt report, a fixture, or a perfect stream, whose request may be
    unknown."""
    if name.startswith("reports/"):
        return corpus.load(corpus.CORPUS / name)
    if "/" in name:
        return corpus.load(FIXTURES / name)
    kind = name.removesuffix("-bare")
    made = replace(streams.exchange([streams.sse(_PERFECT[kind])]), request=_asked(kind))
    return replace(made, request=None) if name.endswith("-bare") else made


@batched("name, mutations", json.loads(FIXTURES.parent.joinpath("tests/repairing/mutants.json").read_bytes()), parts=2)
def test_mutants_that_broke_a_law(name, mutations):
    assert broken_laws(_mutant(_known(name), mutations)) == {}


@pytest.mark.parametrize("events", [responses.mix(), responses.tools()], ids=["mix", "tools"])
@_FEW
@given(mutations=MUTATIONS)
def test_perfect_responses(events, mutations):
    assert broken_laws(_mutant(responses.exchange(events), mutations)) == {}


_BROKEN = sorted(responses.CASES)


@settings(max_examples=examples(90), deadline=None)
@given(at=st.integers(0, len(_BROKEN) - 1), mutations=MUTATIONS)
def test_broken_responses(at, mutations):
    """A stream that one gateway broke, and a line or a second one broke again."""
    assert broken_laws(_mutant(responses.CASES[_BROKEN[at]].exchange, mutations)) == {}


@_FEW
@given(at=st.integers(0, 9999), folder=st.sampled_from(("rules", "corpus")), mutations=MUTATIONS, unsafe=st.booleans())
def test_every_stream_in_any_cuts(at, folder, mutations, unsafe):
    """Of every API: nothing raises, and the repair does not depend on how the bytes were cut."""
    streams_of = _small(folder)
    mutant = _mutant(corpus.load(streams_of[at % len(streams_of)]), mutations)
    analyze(mutant)
    assert _in_single_bytes(mutant, unsafe=unsafe) == normalize(mutant, unsafe=unsafe).exchange.body


def test_a_call_that_the_response_ends_goes_before_the_one_that_waited_for_it():
    assert broken_laws(_mutant(responses.exchange(responses.tools()), [(4, 0, 0), (3, 8, 0)])) == {}
