"""A comparison for people and for machines (``streamlab.compare/1``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.text import Text

from streamlab import __version__
from streamlab.comparing.comparison import Blame, ComparedSide, Comparison, Difference, Pair, Relation, Spot
from streamlab.comparing.parity import Parity
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.json import finding_json
from streamlab.report.styles import STYLES
from streamlab.report.terminal import PIPE_WIDTH
from streamlab.report.units import counted, milliseconds, size
from streamlab.wire.visible import visible

_ORIGIN_STYLE = {
    Blame.NOBODY: "bold green",
    Blame.A: "bold yellow",
    Blame.B: "bold red",
    Blame.BOTH: "bold red",
}
_SHOWN_PAIRS = 3


def print_comparison(
    console: HarmlessConsole, comparison: Comparison, confidence: float | None = None, reasons: Sequence[str] = ()
) -> None:
    """The verdict first, then the two sides, then every difference with both places."""
    verdict = comparison.verdict
    console.hanging(Text(visible(verdict.line), style=_ORIGIN_STYLE[verdict.origin]), 0, 2)
    for side in (comparison.a, comparison.b):
        console.facts(side_facts(side), 2, 4, style="dim")
    if confidence is not None:
        why = "; ".join(reasons)
        console.hanging(Text(f"one conversation: {confidence:.0%} sure ({visible(why, 200)})", style="dim"), 2, 4)
    for difference in comparison.differences:
        _print_difference(console, difference, comparison.a.name, comparison.b.name)
    for words, rules in (
        (f"seen only behind {comparison.b.name}", verdict.introduced),
        (f"sent by {comparison.a.name} and passed on", verdict.passed_on),
        (f"sent by {comparison.a.name}, not seen behind {comparison.b.name}", verdict.repaired),
    ):
        if rules:
            console.hanging(Text(f"rules {words}: {', '.join(rules)}", style="dim"), 2, 4)


def side_facts(side: ComparedSide) -> list[str | Text]:
    """One of the two exchanges: its name and what came."""
    status = "no answer" if side.status is None else f"HTTP {side.status}"
    facts: list[str | Text] = [
        counted(side.events, "event"),
        counted(side.characters, "character"),
        counted(side.reads, "read"),
        size(side.bytes),
    ]
    if side.first_text_us is not None:
        facts.append(f"TTFT {milliseconds(side.first_text_us)}")
    facts += [f"duration {milliseconds(side.end_us)}", str(side.ending)]
    number = f" (exchange {side.id})" if side.id is not None else ""
    return [Text.assemble((visible(side.name), "bold"), f"{number}  {status}"), *facts]


def _print_difference(console: HarmlessConsole, one: Difference, a: str, b: str) -> None:
    """A difference: what was done, and where, on both sides."""
    text = Text()
    text.append(f"{one.severity:<8}", style=STYLES[one.severity])
    text.append(f"{one.kind}", style="bold")
    text.append(f"  {visible(one.message)}")
    if one.count > 1:
        text.append(f"  ×{one.count}", style="dim")
    console.hanging(text, 0, 8)
    for pair in one.pairs[:_SHOWN_PAIRS]:
        console.hanging(Text(f"{visible(a)}: {_place(pair.a)}  ·  {visible(b)}: {_place(pair.b)}", style="dim"), 8, 10)
    if len(one.pairs) > _SHOWN_PAIRS:
        console.hanging(Text(f"… and {one.count - _SHOWN_PAIRS} more places", style="dim"), 8, 8)


def _place(spot: Spot | None) -> str:
    if spot is None:
        return "nothing"
    at = "" if spot.offset_us is None else f" at {milliseconds(spot.offset_us)}"
    return f"event {spot.event}, bytes {spot.span[0]}–{spot.span[1]}{at}"


def print_parity(console: HarmlessConsole, parity: Parity) -> None:
    """The two modes of one request."""
    if not parity.findings:
        console.print(Text("streamed and whole say the same", style="bold green"))
    for finding in parity.findings:
        line = Text(f"{finding.severity:<8}", style=STYLES[finding.severity])
        line.append(finding.rule, style="bold")
        line.append(f"  {visible(finding.message, 400)}")
        console.hanging(line, 0, 8)
    for note in parity.notes:
        console.hanging(Text(note, style="dim"), 2, 4)


# -- for an issue ----------------------------------------------------------------------------------------------------


def comparison_markdown(
    comparison: Comparison, confidence: float | None = None, reasons: Sequence[str] = ()
) -> Iterator[str]:
    """What `print_comparison` says, as text to paste into an issue."""
    yield from _fenced(lambda console: print_comparison(console, comparison, confidence, reasons))


def parity_markdown(parity: Parity) -> Iterator[str]:
    """What `print_parity` says, as text to paste into an issue."""
    yield from _fenced(lambda console: print_parity(console, parity))


def _fenced(draw: Callable[[HarmlessConsole], None]) -> Iterator[str]:
    """In a block of code, whose fence nothing in it can close."""
    from streamlab.report.card.markdown import fence  # what else is loaded with it, no other answer needs

    made = io.StringIO()
    draw(HarmlessConsole(file=made, width=PIPE_WIDTH, color_system=None, highlight=False, emoji=False, markup=False))
    yield from fence("\n".join(line.rstrip() for line in made.getvalue().splitlines()), "text").split("\n")


# -- for machines ----------------------------------------------------------------------------------------------------


def comparison_json(
    comparison: Comparison, confidence: float | None = None, reasons: Sequence[str] = ()
) -> dict[str, Any]:
    """One comparison; rows that are the same are counted, not listed."""
    verdict = comparison.verdict
    return {
        "a": _side_json(comparison.a),
        "b": _side_json(comparison.b),
        "confidence": confidence,
        "reasons": list(reasons),
        "verdict": {
            "origin": str(verdict.origin),
            "guilty": _guilty(comparison),
            "line": verdict.line,
            "details": list(verdict.details),
            "introduced": list(verdict.introduced),
            "passed_on": list(verdict.passed_on),
            "mended": list(verdict.repaired),
        },
        "differences": [difference_json(one) for one in comparison.differences],
        "same_rows": sum(row.relation is Relation.SAME for row in comparison.rows),
        "rows": [
            {"relation": str(row.relation), "a": [row.a_start, row.a_stop], "b": [row.b_start, row.b_stop]}
            for row in comparison.rows
            if row.relation is not Relation.SAME
        ],
    }


def _guilty(comparison: Comparison) -> list[str]:
    names = {Blame.A: [comparison.a.name], Blame.B: [comparison.b.name], Blame.NOBODY: []}
    return names.get(comparison.verdict.origin, [comparison.a.name, comparison.b.name])


def _side_json(side: ComparedSide) -> dict[str, Any]:
    return {
        "name": side.name,
        "id": side.id,
        "status": side.status,
        "ending": str(side.ending),
        "events": side.events,
        "characters": side.characters,
        "reads": side.reads,
        "bytes": side.bytes,
        "first_text_us": side.first_text_us,
        "end_us": side.end_us,
    }


def difference_json(one: Difference) -> dict[str, Any]:
    """One difference with both places."""
    return {
        "kind": str(one.kind),
        "severity": str(one.severity),
        "message": one.message,
        "count": one.count,
        "path": one.path,
        "a_value": one.a_value,
        "b_value": one.b_value,
        "amount": one.amount,
        "places": [_pair_json(pair) for pair in one.pairs],
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {"a": _spot_json(pair.a), "b": _spot_json(pair.b)}


def _spot_json(spot: Spot | None) -> dict[str, Any] | None:
    if spot is None:
        return None
    return {"event": spot.event, "span": list(spot.span), "offset_us": spot.offset_us}


def compare_document(hops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answer of ``compare --json``."""
    return {"format": "streamlab.compare/1", "version": __version__, "hops": list(hops)}


def parity_json(parity: Parity) -> dict[str, Any]:
    """Two modes of one request."""
    return {
        "format": "streamlab.parity/1",
        "version": __version__,
        "deterministic": parity.deterministic,
        "findings": [finding_json(one) for one in parity.findings],
        "notes": list(parity.notes),
    }
