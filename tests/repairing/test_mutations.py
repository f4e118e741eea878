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

from streamlab.exchange import Ending, Exchange, Request, Segment
from streamlab.judging.analyzer import analyze
from tests import corpus, responses, streams
from tests.batches import batched
from tests.examples import examples
from tests.harm_laws import broken_laws
from tests.live_laws import broken_live_laws
from tests.mutations import KINDS, mutated

FIXTURES = Path(__file__).parents[2] / "fixtures"
_SMALL = 6000
_FEW = settings(max_examples=examples(40))
_BROKEN_OFF = (Ending.COMPLETE, Ending.UPSTREAM_CUT, Ending.TIMED_OUT, Ending.CLIENT_LEFT, Ending.INTERRUPTED)
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


def _cut(exchange: Exchange, at: int, ending: Ending) -> Exchange:
    return replace(exchange, segments=(Segment(None, exchange.body[:at]),), ending=ending)


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
@given(at=st.integers(0, 9999), folder=st.sampled_from(("rules", "corpus")), mutations=MUTATIONS)
def test_every_stream_in_any_cuts(at, folder, mutations):
    """Of every API: nothing raises, and the repair does not depend on how the bytes were cut."""
    streams_of = _small(folder)
    mutant = _mutant(corpus.load(streams_of[at % len(streams_of)]), mutations)
    analyze(mutant)
    assert broken_live_laws(mutant) == {}


@_FEW
@given(at=st.integers(0, 9999), mutations=MUTATIONS, stops=st.integers(0, _SMALL), ending=st.sampled_from(_BROKEN_OFF))
def test_every_stream_broken_off_anywhere(at, mutations, stops, ending):
    """In the midst of what any repair holds back, too."""
    streams_of = _small("rules")
    mutant = _mutant(corpus.load(streams_of[at % len(streams_of)]), mutations)
    mutant = _cut(mutant, stops % (len(mutant.body) + 1), ending)
    assert broken_laws(mutant) == broken_live_laws(mutant) == {}


@pytest.mark.parametrize(
    ("name", "mutations", "at", "ending"),
    [
        ("captures/glm4-tool-ids", [(10, 31, 94324)], 8906, Ending.UPSTREAM_CUT),  # behind [DONE]
        ("rules/tool_call/tool_call_name_missing/bad", [(5, 912, 22997), (14, 665, 53193)], 2312, Ending.UPSTREAM_CUT),
        ("rules/delta/role_empty_or_null/good", [(2, 272, 68783), (12, 135, 31978)], 2405, Ending.TIMED_OUT),
        ("rules/transport/binary_message_corrupt/bad", [(10, 133, 65295), (3, 196, 87140)], 0, Ending.TIMED_OUT),
        ("reports/servers/parser-garbage-call", [(18, 497, 10711)], 379, Ending.UPSTREAM_CUT),  # before an id came
        ("reports/servers/parser-garbage-call", [(11, 308, 91610)], 482, Ending.UPSTREAM_CUT),
        (
            "captures/glm4-follow-up-500",
            [(16, 496, 55073), (17, 799, 16456)],
            199,
            Ending.COMPLETE,
        ),  # usage in an error
    ],
)
def test_streams_that_broke_a_law_where_they_broke_off(name, mutations, at, ending):
    assert broken_laws(_cut(_mutant(_known(name), mutations), at, ending)) == {}


def test_a_call_that_the_response_ends_goes_before_the_one_that_waited_for_it():
    assert broken_laws(_mutant(responses.exchange(responses.tools()), [(4, 0, 0), (3, 8, 0)])) == {}
