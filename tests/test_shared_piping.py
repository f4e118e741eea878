"""One body's repairs are run once for cuttings that hand them the same events, and nothing is told otherwise for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from streamlab.exchange import Ending
from streamlab.repairing.front import Front
from streamlab.repairing.pipeline import Pipeline
from streamlab.rules.repair import Drafts
from streamlab.wire.sse import SSEDecoder
from streamlab.workflows.regression.cutting import cuttings, pieces
from streamlab.workflows.regression.fixture import Fixture, read_fixture
from streamlab.workflows.regression.judging import check_normalized
from streamlab.workflows.regression.machines import our_machine, run
from streamlab.workflows.regression.shared_piping import SharedRepairs
from tests.batches import batched

FIXTURES = Path(__file__).parents[1] / "fixtures"
_HOMES = sorted(found.parent for found in FIXTURES.rglob("expected.sse"))
_SOME = [home for home in _HOMES[::12] if (home / "body.sse").stat().st_size < 20_000]


@cache
def _fixture(home: Path) -> Fixture:
    return read_fixture(home)


def _plain() -> Fixture:
    return _fixture(FIXTURES / "rules" / "lifecycle" / "done_missing" / "bad")


@batched("home", _SOME)
def test_every_cutting_gives_what_it_gives_alone(home: Path) -> None:
    exchange = _fixture(home).exchange
    shared = SharedRepairs(exchange)
    for name, cuts in cuttings(exchange.body):
        cut = pieces(exchange.body, cuts)
        assert (name, *shared.run(cut)) == (name, *run(our_machine(exchange), cut))


def test_repairs_run_once_where_all_cuttings_have_the_same_events(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    through = Pipeline.pipe

    def counted(self: Pipeline, drafts: Drafts, *looked_for: int) -> None:
        ran.append(self.state.at)
        through(self, drafts, *looked_for)

    monkeypatch.setattr(Pipeline, "pipe", counted)
    assert check_normalized(_plain(), our_machine) is None
    assert ran
    assert len(ran) == len(set(ran))


def _losing(kept: Callable[[Any, bytes], bool]) -> Callable[[Any, bytes], bool]:
    return lambda self, data: data.endswith(b"}\n") or kept(self, data)  # an event but for its last byte


def test_a_fault_in_one_way_of_cutting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SSEDecoder, "absorbs", _losing(SSEDecoder.absorbs))
    mismatch = check_normalized(_plain(), our_machine)
    assert mismatch is not None
    assert mismatch.cutting == "byte by byte"


def test_a_change_to_what_was_let_go_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows only where nobody took what went out before: told apart by the cut alone."""
    emit = Pipeline.emit
    latest: list[Any] = []

    def later(self: Pipeline, drafts: Drafts) -> None:
        now = tuple(drafts)
        for draft in latest:
            if draft.is_chunk:
                draft.put("done-missing", draft.json, "late", 1, path="")
        latest[:] = now
        emit(self, now)

    def alone(cuts: list[int]) -> bytes:
        latest.clear()
        return run(our_machine(exchange), pieces(exchange.body, cuts))[0]

    monkeypatch.setattr(Pipeline, "emit", later)
    fixture = _fixture(FIXTURES / "rules" / "envelope" / "chunk_id_missing_or_empty" / "bad")
    exchange, shared = fixture.exchange, SharedRepairs(fixture.exchange)
    for _, cuts in cuttings(exchange.body):
        latest.clear()
        assert shared.run(pieces(exchange.body, cuts))[0] == alone(cuts)
    assert len({alone(cuts) for _, cuts in cuttings(exchange.body)}) > 1


def test_what_raises_under_one_cutting_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Front.feed

    def touchy(self: Front, data: bytes) -> None:
        if data == b"d":
            raise ValueError("no d")
        feed(self, data)

    monkeypatch.setattr(Front, "feed", touchy)
    mismatch = check_normalized(_plain(), our_machine)
    assert mismatch is not None
    assert mismatch.error == "it raised ValueError: no d"


def _runs_of_repairs(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many cuttings of a fixture the repairs ran for."""
    ran: list[Any] = []
    finish = Pipeline.finish

    def counted(self: Pipeline, ending: Ending) -> None:
        ran.append(self)
        finish(self, ending)

    monkeypatch.setattr(Pipeline, "finish", counted)
    assert check_normalized(fixture, our_machine) is None
    return len(ran)


@pytest.mark.parametrize("name", ["lifecycle/gemini_finish_missing", "lifecycle/ollama_done_missing"])
def test_a_translated_stream_is_repaired_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert _runs_of_repairs(_fixture(FIXTURES / "rules" / name / "bad"), monkeypatch) == 1


@pytest.mark.parametrize(
    "name", ["captures/openai-plain", "captures/messages-gateway-two-starts", "rules/envelope/answer_starts_over/bad"]
)
def test_reads_that_end_within_runs_let_them_be_repaired_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also where events passed unseen under one cutting."""
    assert _runs_of_repairs(_fixture(FIXTURES / name), monkeypatch) == 1
