"""Plays the acts: stand-ins, a recorder before each, a client before that; and judges what was recorded."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamlab.demo.acts import Act
from streamlab.demo.clients import Client, ClientOutcome
from streamlab.demo.event_client import ask_by_events
from streamlab.demo.recording import TapLine, free_ports, recorder
from streamlab.errors import CouldNotRunError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.rules.finding import Finding, Severity
from streamlab.standins import Scenario, in_thread, serve_standin
from streamlab.storage.capture_db import CaptureDB

LABEL = "demo"
#: Milliseconds between two tokens of a stand-in.
GAP_MS = 4.0


@dataclass(frozen=True, slots=True)
class RecordedHop:
    """One recorded exchange of an act, judged. ``id`` is its number in the database."""

    id: int
    exchange: Exchange
    report: Report
    expected: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Expected rules that did not speak."""
        said = {finding.rule for finding in self.report.findings}
        return tuple(rule for rule in self.expected if rule not in said)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings worse than info."""
        return tuple(one for one in self.report.findings if one.severity is not Severity.INFO)


@dataclass(frozen=True, slots=True)
class ActOutcome:
    """One act, over: what the client saw, and what was recorded in front of the system and behind it."""

    act: Act
    seen: ClientOutcome
    front: RecordedHop
    behind: RecordedHop | None

    @property
    def as_expected(self) -> bool:
        """Whether every rule spoke that was expected to; one without fault must give nothing worse than info."""
        hops = [self.front, *([self.behind] if self.behind else [])]
        if any(hop.missing for hop in hops):
            return False
        return bool(self.act.rules) or not self.front.faults


def perform(acts: Sequence[Act], client: Client, db: Path) -> list[ActOutcome]:
    """Records every act into ``db`` and judges it. Raises CouldNotRunError when the recorder cannot do its work."""
    before = _last_id(db)
    ports = iter(free_ports(2 * len(acts)))
    front_ports = {act.name: next(ports) for act in acts}
    behind_ports = {act.behind_name: next(ports) for act in acts if act.scenario.behind}
    with in_thread(_cast(acts, front_ports, behind_ports)) as taps, recorder(db, LABEL, taps):
        seen = {act.name: _ask(client, f"http://127.0.0.1:{front_ports[act.name]}/v1", act.scenario) for act in acts}
    return _judge(acts, seen, db, before)


def _ask(client: Client, base_url: str, scenario: Scenario) -> ClientOutcome:
    if scenario.path.endswith("/completions"):
        return client.ask(base_url, scenario.body)
    return ask_by_events(f"{base_url}{scenario.path}", scenario.body)


@contextlib.asynccontextmanager
async def _cast(
    acts: Sequence[Act], front_ports: dict[str, int], behind_ports: dict[str, int]
) -> AsyncIterator[list[TapLine]]:
    """Starts the stand-ins; a gateway reaches what is behind it through a tap, so that both sides are recorded."""
    taps = []
    async with contextlib.AsyncExitStack() as stack:
        for act in acts:
            options = dict(act.scenario.options)
            if act.scenario.behind is not None:
                name, behind_options = act.scenario.behind
                behind = await stack.enter_async_context(serve_standin(name, gap_ms=GAP_MS, **behind_options))
                port = behind_ports[act.behind_name]
                taps.append(TapLine(act.behind_name, port, behind.origin))
                options["upstream"] = f"http://127.0.0.1:{port}/v1"
            front = await stack.enter_async_context(serve_standin(act.standin, gap_ms=GAP_MS, **options))
            taps.append(TapLine(act.name, front_ports[act.name], front.origin))
        yield taps


def _last_id(db: Path) -> int:
    if not db.exists():
        return 0
    with CaptureDB(db) as database:
        return max((row.id for row in database.overview(after=0)), default=0)


def _judge(acts: Sequence[Act], seen: dict[str, ClientOutcome], db: Path, before: int) -> list[ActOutcome]:
    recorded: dict[str, RecordedHop] = {}
    expected = {act.name: act.rules for act in acts} | {act.behind_name: act.behind_rules for act in acts}
    with CaptureDB(db) as database:
        for row in database.overview(after=before):
            if row.label == LABEL and row.tap in expected:
                exchange = database.get(row.id)
                whole = changed(exchange, segments=tuple(exchange.segments))
                recorded[row.tap] = RecordedHop(row.id, whole, analyze(whole), expected[row.tap])
    lost = [act.name for act in acts if act.name not in recorded]
    if lost:
        raise CouldNotRunError(f"the recorder did not keep {', '.join(lost)}")
    return [ActOutcome(act, seen[act.name], recorded[act.name], recorded.get(act.behind_name)) for act in acts]
