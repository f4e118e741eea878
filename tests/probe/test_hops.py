"""Stand-ins chained and recorded by two taps: the guilty hop and the mechanism are named; a faithful relay is not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from streamlab.comparing.comparison import Blame, Comparison, Kind
from streamlab.demo.recording import TapLine, free_ports, recorder
from streamlab.errors import UsageError
from streamlab.standins import in_thread, scenarios, serve_standin
from streamlab.storage.capture_db import CaptureDB
from streamlab.workflows.compare import compare_hops


@dataclass(frozen=True)
class Case:
    """A gateway's scenario, what is to be said of it, and words that the verdict holds."""

    gateway: str
    scenario: str
    origin: Blame
    kinds: frozenset[Kind]
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.gateway}-{self.scenario}"


CASES = [
    Case("oneapi", "glm4-newline", Blame.BOTH, frozenset({Kind.EVENT_TORN}), ("plain-text-in-data", "tore event 7")),
    Case("oneapi", "chatglm3-only-done", Blame.A, frozenset({Kind.DONE_ADDED}), ("empty-200", "invented [DONE]")),
    Case(
        "oneapi",
        "tgi-no-space",
        Blame.B,
        frozenset({Kind.ALL_LOST}),
        ("lost everything", "no space after `data:`"),
    ),
    Case(
        "oneapi",
        "tgi-only-done",
        Blame.B,
        frozenset({Kind.ALL_LOST, Kind.DONE_ADDED}),
        ("lost everything", "no space after `data:`"),
    ),
    Case("oneapi", "masked-cut", Blame.A, frozenset({Kind.CUT_MASKED}), ("hid that the stream",)),
    Case("oneapi", "swallowed-error", Blame.B, frozenset({Kind.ERROR_SWALLOWED}), ("swallowed the error",)),
    Case("oneapi", "double-done", Blame.B, frozenset({Kind.DONE_REPEATED}), ("sent [DONE] again",)),
    Case("oneapi", "long-line", Blame.B, frozenset({Kind.TEXT_LOST}), ("64 KiB",)),
    Case("oneapi", "clean", Blame.NOBODY, frozenset(), ("passed on faithfully",)),
    Case("oneapi-gemini", "no-finish", Blame.B, frozenset({Kind.FINISH_REASON_CHANGED}), ("dropped finish_reason",)),
    Case(
        "oneapi-gemini",
        "stop-everywhere",
        Blame.B,
        frozenset({Kind.FINISH_REASON_CHANGED}),
        ("finish_reason stop",),
    ),
    Case(
        "oneapi-gemini",
        "tool-lost",
        Blame.B,
        frozenset({Kind.CALL_LOST, Kind.FINISH_REASON_CHANGED}),
        ("lost the call of look_up_weather", "dropped finish_reason tool_calls"),
    ),
    Case("onehub", "double-finish", Blame.B, frozenset({Kind.FINISH_REASON_CHANGED}), ("finish_reason stop",)),
]
#: What may be said beside, because it is no harm: frames written anew, and what translations change.
HARMLESS = {
    Kind.FRAMING_CHANGED,
    Kind.JSON_REWRITTEN,
    Kind.COMMENT_LOST,
    Kind.NULL_DROPPED,
    Kind.CONTENT_TYPE_CHANGED,
    Kind.READS_SPLIT,
}
#: What follows when a gateway stops reading; whether the model was done by then is a matter of milliseconds.
OF_A_LONG_LINE = {Kind.HUNG_UP_EARLY, Kind.DONE_ADDED, Kind.CUT_SHORT}


@contextlib.asynccontextmanager
async def _cast(ports: dict[str, tuple[int, int]]) -> AsyncIterator[list[TapLine]]:
    async with contextlib.AsyncExitStack() as stack:
        taps = []
        for case in CASES:
            scenario = next(one for one in scenarios(case.gateway) if one.name == case.scenario)
            behind, options = scenario.behind or ("gemini", {})
            model = await stack.enter_async_context(serve_standin(behind, gap_ms=1.0, **options))
            front, back = ports[case.name]
            upstream = f"http://127.0.0.1:{back}/v1"
            gateway = await stack.enter_async_context(
                serve_standin(case.gateway, gap_ms=1.0, **{**scenario.options, "upstream": upstream})
            )
            taps += [TapLine(f"{case.name}-model", back, model.origin), TapLine(case.name, front, gateway.origin)]
        yield taps


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case asked once, with every hop recorded in one run."""
    db: Path = tmp_path_factory.mktemp("hops") / "hops.db"
    free = iter(free_ports(2 * len(CASES)))
    ports = {case.name: (next(free), next(free)) for case in CASES}
    with in_thread(_cast(ports)) as taps, recorder(db, "hops", taps):
        for case in CASES:
            _ask(ports[case.name][0], next(s for s in scenarios(case.gateway) if s.name == case.scenario).body)
    return db


def _ask(port: int, body: dict[str, Any]) -> None:
    with httpx.Client(timeout=10, trust_env=False) as client:
        client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)


def _compared(db: Path, tap: str) -> tuple[Comparison, float]:
    with CaptureDB(db) as database:
        (found,) = [row.id for row in database.overview() if row.tap == tap]
    (hop,) = compare_hops(f"{db}#{found}")
    assert hop.confidence is not None
    return hop.comparison, hop.confidence


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guilty_hop_and_the_mechanism_are_named(recorded, case):
    found, confidence = _compared(recorded, case.name)
    assert (found.a.name, found.b.name) == (f"{case.name}-model", case.name)
    assert confidence >= 0.7
    said = {one.kind for one in found.differences}
    assert case.kinds <= said
    harmless = HARMLESS | OF_A_LONG_LINE if case.scenario == "long-line" else HARMLESS
    assert said - case.kinds <= harmless, [one.message for one in found.differences]
    assert found.verdict.origin is case.origin, found.verdict
    for words in case.words:
        assert words in found.verdict.line


def test_a_faithful_relay_is_said_nothing_of(recorded):
    found, _ = _compared(recorded, "oneapi-clean")
    assert found.differences == ()
    assert found.faithful


def test_it_does_not_matter_from_which_side_one_asks(recorded):
    inner, outer = (_compared(recorded, tap)[0] for tap in ("oneapi-glm4-newline-model", "oneapi-glm4-newline"))
    assert (inner.a.id, inner.b.id) == (outer.a.id, outer.b.id)


def test_one_tap_alone_is_no_conversation(recorded, tmp_path):
    with CaptureDB(recorded) as source, CaptureDB(tmp_path / "one.db", write=True) as target:
        target.add(source.get(1))
    with pytest.raises(UsageError, match="no other tap saw"):
        compare_hops(f"{tmp_path / 'one.db'}#1")


def test_the_command_says_it_in_text_and_json(recorded):
    import subprocess
    import sys

    command = [sys.executable, "-m", "streamlab", "compare", "--hops", "last", "--db", str(recorded)]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 1
    assert "onehub-double-finish" in said.stdout.splitlines()[0]
    (hop,) = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True).stdout)["hops"]
    assert hop["verdict"]["guilty"] == ["onehub-double-finish"]
    assert hop["differences"][0]["places"][0]["b"]["event"] == 3
