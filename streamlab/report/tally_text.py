"""A tally over two folders, for people, for machines (``streamlab.tally/1``) and to paste (Markdown)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from streamlab import __version__
from streamlab.comparing.tally import FolderTally, TalliedSide
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.markdown_cell import cell
from streamlab.report.plain_table import plain_table
from streamlab.report.styles import STYLES
from streamlab.wire.visible import visible


def print_tally(console: HarmlessConsole, tally: FolderTally) -> None:
    """The shares of right answers, the rules, what hops did."""
    for side in (tally.a, tally.b):
        style = "bold green" if side.right == side.exchanges else "bold red"
        console.print(Text(f"{side.name}: {_right(side)}", style=style))
    if tally.rules:
        table = plain_table()
        for name, justify in (("rule", "left"), ("severity", "left"), (tally.a.name, "right"), (tally.b.name, "right")):
            table.add_column(name, justify="right" if justify == "right" else "left")
        for one in tally.rules:
            severity = Text(str(one.severity), style=STYLES[one.severity])
            a, b = (_share(count, side) for count, side in ((one.a, tally.a), (one.b, tally.b)))
            table.add_row(Text(one.rule), severity, Text(a), Text(b))
        console.print(table)
    if tally.pairs:
        console.print(Text(f"{tally.pairs} pairs compared", style="bold"))
        for done in tally.differences:
            line = Text(f"{done.severity:<8}", style=STYLES[done.severity])
            line.append(str(done.kind), style="bold")
            line.append(f"  in {done.pairs} of {tally.pairs}: {visible(done.message, 300)}")
            console.hanging(line, 0, 8)
    if tally.unpaired:
        console.hanging(Text(f"without a partner: {visible(', '.join(tally.unpaired), 400)}", style="dim"), 0, 2)


def markdown(tally: FolderTally) -> Iterator[str]:
    """The same as text to paste into an issue."""
    yield f"**{cell(tally.a.name, 200)}: {_right(tally.a)} · {cell(tally.b.name, 200)}: {_right(tally.b)}**"
    if tally.rules:
        yield ""
        yield f"| rule | severity | {cell(tally.a.name, 200)} | {cell(tally.b.name, 200)} |"
        yield "|---|---|---:|---:|"
        for one in tally.rules:
            yield f"| `{one.rule}` | {one.severity} | {_share(one.a, tally.a)} | {_share(one.b, tally.b)} |"
    if tally.differences:
        yield ""
        yield f"| what the hop did | severity | of {tally.pairs} pairs | for example |"
        yield "|---|---|---:|---|"
        for done in tally.differences:
            yield f"| `{done.kind}` | {done.severity} | {done.pairs} | {cell(done.message, 200)} |"
    yield ""
    yield f"<sub>streamlab {__version__}</sub>"


def tally_json(tally: FolderTally) -> dict[str, Any]:
    """The same for machines."""
    return {
        "format": "streamlab.tally/1",
        "version": __version__,
        "a": _side_json(tally.a),
        "b": _side_json(tally.b),
        "rules": [asdict(one) for one in tally.rules],
        "pairs": tally.pairs,
        "differences": [asdict(one) for one in tally.differences],
        "unpaired": list(tally.unpaired),
    }


def _side_json(side: TalliedSide) -> dict[str, Any]:
    return {"name": side.name, "exchanges": side.exchanges, "judged": side.judged, "right": side.right}


def _right(side: TalliedSide) -> str:
    unjudged = side.exchanges - side.judged
    return f"{side.right} of {side.exchanges} right" + (f" ({unjudged} not judged)" if unjudged else "")


def _share(count: int, side: TalliedSide) -> str:
    return f"{count} of {side.exchanges}" if count else "–"
