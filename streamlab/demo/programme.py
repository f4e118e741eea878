"""What the demo prints: a table for a terminal, blocks of lines for a pipe. Nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from streamlab.demo.performance import ActOutcome, RecordedHop
from streamlab.demo.place import DemoDatabase, called_here
from streamlab.report.styles import STYLES
from streamlab.report.units import counted
from streamlab.rules.finding import Finding
from streamlab.wire.visible import visible

_EXCERPT = 56


def leading(hop: RecordedHop) -> Finding | None:
    """The finding to show first: the first of the expected ones, else the gravest; None when nothing is wrong."""
    by_rule = {finding.rule: finding for finding in reversed(hop.report.findings)}
    for rule in hop.expected:
        if rule in by_rule:
            return by_rule[rule]
    return min(hop.faults, key=lambda one: one.severity.rank, default=None)


def evidence(hop: RecordedHop, finding: Finding) -> str:
    """Where a finding is, with the bytes themselves."""
    if finding.span is None:
        head, metrics = hop.exchange.head, hop.report.metrics
        status = f"HTTP {head.status}" if head is not None else "no answer"
        kind = visible((head.header("content-type") if head else None) or "", 24).partition(";")[0]
        return f"{status} {kind}: {metrics.bytes:,} bytes, {counted(metrics.events, 'event')}, {hop.exchange.ending}"
    start, stop = finding.span
    raw = hop.exchange.body[start : min(stop, start + 4 * _EXCERPT)]
    times = f", {finding.count} times" if finding.count > 1 else ""
    event = f"event {finding.event}, " if finding.event is not None else ""
    return f"{event}bytes {start}–{stop}{times}: {visible(raw.decode('utf-8', 'replace'), _EXCERPT)}"


def wire_lines(outcome: ActOutcome) -> list[Text]:
    """What the wire shows, in front of the system and, for a gateway, behind it."""
    lines = _hop_lines(outcome.front, "")
    if outcome.behind is not None:
        lines += _hop_lines(outcome.behind, "behind it: ")
    return lines


def _hop_lines(hop: RecordedHop, where: str) -> list[Text]:
    first = leading(hop)
    if first is None:
        return [Text(f"{where}{hop.report.verdict}", style="green")]
    line = Text(where)
    line.append(f"{first.rule}", style=STYLES[first.severity])
    line.append(f" ({first.severity})")
    others = len({finding.rule for finding in hop.report.findings} - {first.rule})
    lines = [line, Text(evidence(hop, first), style="dim")]
    if others:
        lines.append(Text(f"and {others} more", style="dim"))
    if hop.missing:
        lines.append(Text(f"expected and not found: {', '.join(hop.missing)}", style="bold red"))
    return lines


def opening(count: int, client: str, place: DemoDatabase) -> str:
    """What is going to happen."""
    named = "Messages and Responses by a loop that takes events as their SDKs do"
    return f"Asking {count} systems on loopback through the recorder, into {place.path}: chat by {client}, {named} …"


def closing(outcomes: list[ActOutcome], place: DemoDatabase, commands: Collection[str]) -> Text:
    """What was found, and what to try next with the ``commands`` there are."""
    wrong = [outcome.act.name for outcome in outcomes if not outcome.as_expected]
    text = Text(f"\n{len(outcomes) - len(wrong)} of {len(outcomes)} systems showed what they are known for.")
    if wrong:
        text.append(f" Not so: {', '.join(wrong)}.", style="bold red")
    if not place.stays:
        text.append(" The recording is thrown away; --db FILE keeps it.")
        return text
    text.append("\nNow look for yourself:")
    example = outcomes[0].front.id
    program = called_here("streamlab")
    tries = (
        ("ls", "", ""),
        ("show", f" {example}", ""),
        ("check", f" {example}", ""),
        ("tui", "", ""),
        ("replay", f" {example} --match any", "   # the broken server once more, for a client of your own"),
    )
    for command, target, what_for in tries:
        if command in commands:
            text.append(f"\n  {program} {command}{target}{place.option}{what_for}")
    return text


def show(console: Console, outcomes: list[ActOutcome]) -> None:
    """Prints the outcomes, as suits the console."""
    if console.is_terminal:
        console.print(_table(outcomes))
        return
    for outcome in outcomes:
        console.print(Text(f"[{outcome.front.id}] {outcome.act.system}"))
        console.print(Text(f"  client saw  {outcome.seen.told()}"), soft_wrap=True)
        for known in _elsewhere(outcome):
            console.print(Text(f"  known for   {known}"), soft_wrap=True)
        for at, line in enumerate(wire_lines(outcome)):
            console.print(Text.assemble("  wire shows  " if at == 0 else "              ", line), soft_wrap=True)
        console.print(Text(f"  to blame    {outcome.act.scenario.blame}"))


def _elsewhere(outcome: ActOutcome) -> list[str]:
    """What real clients do, where what our loop saw looks as if nothing were wrong."""
    scenario = outcome.act.scenario
    looks_well = outcome.seen.error is None and bool(outcome.seen.chunks)
    return [scenario.shows] if looks_well and scenario.rules and scenario.path != "/chat/completions" else []


def _table(outcomes: list[ActOutcome]) -> Table:
    table = Table(show_lines=True, expand=True, title="Is one of these your bug?", title_justify="left")
    table.add_column("system", ratio=3)
    table.add_column("what the client saw", ratio=5)
    table.add_column("what the wire shows", ratio=7)
    table.add_column("to blame", ratio=3)
    for outcome in outcomes:
        table.add_row(
            Text.assemble((outcome.act.system, "bold"), (f"\nexchange {outcome.front.id}", "dim")),
            Group(Text(outcome.seen.told()), *(Text(line, style="dim") for line in _elsewhere(outcome))),
            Group(*wire_lines(outcome)),
            Text(outcome.act.scenario.blame),
        )
    return table
