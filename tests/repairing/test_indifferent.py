"""The law of indifferent repairs: one that is not asked of an event would have let it pass, and remembered nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.judging.lessons import Runs
from streamlab.repairing import pipeline
from streamlab.repairing.normalizer import Normalizer
from streamlab.rules.repair import ANYTHING, Draft, Drafts, Repair, RepairState
from tests import corpus, streams
from tests.batches import batched
from tests.examples import examples
from tests.judging import test_runs
from tests.mutations import mutated
from tests.repairing.test_mutations import _PERFECT, FIXTURES, MUTATIONS, _asked

_CASES = sorted(one.parent for one in FIXTURES.rglob("exchange.json")) + corpus.directories()
_FEW = settings(max_examples=examples(150))
#: What others are told of in ways of their own: the state's is looked at but for these.
_APART = frozenset({"request", "head", "api", "body"})


def _frozen(value: Any, depth: int = 8) -> Any:
    """What a value holds, to be compared with what it holds later."""
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if isinstance(value, RepairState | type) or depth == 0:
        return id(value)
    if isinstance(value, dict):
        return [(_frozen(key, depth - 1), _frozen(one, depth - 1)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return [_frozen(one, depth - 1) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    slots = {key: getattr(value, key) for key in getattr(type(value), "__slots__", ()) if hasattr(value, key)}
    return id(value), _frozen(getattr(value, "__dict__", {}) | slots, depth)


def _memory(repair: Repair, draft: Draft) -> Any:
    own = {key: value for key, value in vars(repair).items() if value is not getattr(type(repair), key, _APART)}
    state = {key: value for key, value in vars(repair.state).items() if key not in _APART}
    return _frozen(own), _frozen(state), _frozen(draft)


@pytest.fixture
def left_out(monkeypatch):
    """How often repairs are not asked, in a list of one; each of them is asked here, and has to do nothing."""
    count, past = [0], pipeline._past
    now: list[Any] = [None, None, 0]  # what came, its event, and its facts

    def arriving(self: pipeline.Pipeline, draft: Draft, facts: int) -> Drafts:
        now[:] = draft, draft.event, facts
        made = _everybody_asked(self, draft)
        now[:] = None, None, 0
        return made

    def asking(repair: Repair, draft: Draft) -> list[Draft]:
        as_it_came = draft is now[0] and draft.event is now[1] and not draft.changes
        if not as_it_came or (repair.asks | repair.minds) & now[2] or repair.awake:
            return past(repair, draft)
        count[0] += 1
        before = _memory(repair, draft)
        made = past(repair, draft)
        assert (made, _memory(repair, draft)) == ([draft], before), (repair, draft.event)
        return made

    monkeypatch.setattr(pipeline, "_past", asking)
    monkeypatch.setattr(pipeline, "_came", arriving)
    return count


def _everybody_asked(made: pipeline.Pipeline, draft: Draft, facts: int = ANYTHING) -> Drafts:
    return made._run((draft,), 0)


def _normalized(request: Request | None, head: ResponseHead | None, body: bytes, unsafe: bool) -> tuple[object, ...]:
    normalizer = Normalizer(request, head, runs=Runs.OFF, unsafe=unsafe)
    out = normalizer.feed_events(body) + normalizer.finish_events(Ending.COMPLETE)
    assert normalizer.failed is None, normalizer.failed
    return out, normalizer.changes, normalizer.unrepaired, normalizer.state.account.dropped


@batched("directory", _CASES, parts=4)
@pytest.mark.parametrize("unsafe", [False, True])
def test_who_is_not_asked_has_nothing_to_do_with_a_stream(directory, unsafe, left_out):
    exchange = corpus.load(directory)
    _normalized(exchange.request, exchange.head, exchange.body, unsafe)


@pytest.mark.parametrize("name", _PERFECT)
def test_who_is_not_asked_has_nothing_to_do_with_what_became_of_it(name, left_out):
    @settings(max_examples=examples(60))
    @given(MUTATIONS, st.booleans())
    def tried(mutations, unsafe):
        _normalized(_asked(name), test_runs._HEAD, mutated(streams.sse(_PERFECT[name]), mutations), unsafe)

    tried()
    assert left_out[0] > 100


@_FEW
@given(st.integers(0, len(_CASES) - 1), MUTATIONS, st.booleans())
def test_everybody_asked_makes_the_same_of_a_stream(at, mutations, unsafe):
    exchange = corpus.load(_CASES[at])
    given = exchange.request, exchange.head, mutated(exchange.body[:20_000], mutations), unsafe
    usual = _normalized(*given)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "_came", _everybody_asked)
        assert _normalized(*given) == usual


def test_few_are_asked_of_a_clean_stream(left_out):
    normalizer = Normalizer(_asked("usage"), test_runs._HEAD, runs=Runs.OFF)
    body = streams.sse(_PERFECT["usage"])
    assert normalizer.feed(body) + normalizer.finish() == body
    assert left_out[0] > 40
