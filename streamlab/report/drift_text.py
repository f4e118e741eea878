"""What changed in the answers to recorded questions, for people and for machines (``streamlab.drift/1``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rich.text import Text

from streamlab import __version__
from streamlab.comparing.drift import ShapeChange
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.wire.visible import visible


class AskedAgain(Protocol):
    """A question, what changed in its answer, or why it was not asked."""

    @property
    def name(self) -> str: ...
    @property
    def changes(self) -> tuple[ShapeChange, ...]: ...
    @property
    def skipped(self) -> str | None: ...


def print_answer(console: HarmlessConsole, one: AskedAgain) -> None:
    """A question that was not asked, or whose answer changed; nothing of others."""
    if one.skipped:
        console.hanging(Text(f"{visible(one.name)}: not asked: {visible(one.skipped, 200)}", style="dim"), 0, 2)
    elif one.changes:
        console.print(Text(visible(one.name), style="bold"))
        for change in one.changes:
            console.hanging(Text(f"{change.aspect}: {visible(change.text, 300)}"), 2, 4)


def print_verdict(console: HarmlessConsole, found: Sequence[AskedAgain], *, update: bool) -> None:
    """A line about all of them."""
    asked = [one for one in found if not one.skipped]
    changed = sum(bool(one.changes) for one in asked)
    did = ", written anew" if update and changed else ""
    verdict = f"{changed} of {len(asked)} answers changed{did}" if changed else f"no change in {len(asked)} answers"
    console.print(Text(verdict, style="bold red" if changed else "bold green"))


def drift_json(found: Sequence[AskedAgain]) -> dict[str, Any]:
    """The same for machines."""
    return {
        "format": "streamlab.drift/1",
        "version": __version__,
        "questions": [
            {
                "name": one.name,
                "skipped": one.skipped,
                "changes": [{"aspect": str(change.aspect), "text": change.text} for change in one.changes],
            }
            for one in found
        ],
    }
