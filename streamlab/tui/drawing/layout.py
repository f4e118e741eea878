"""Which parts of an exchange's screen have room beside each other, and how much each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Segments indexed before the first screen; the analyst process does the rest.
AT_ONCE = 128
#: Lines above the parts: title, facts, overview.
TOP = 4
#: Lines of the findings with their frame, before it is known how many there are.
FINDINGS = 7
#: The lines that a part has at least, with its frame.
_LEAST = 5


def layout(width: int, height: int) -> str:
    """The style class for a terminal of so many columns and lines."""
    if width >= 140 and height >= 36:
        return "-wide"
    return "-medium" if width >= 100 and height >= 34 else "-narrow"


class TimelineBox(NamedTuple):
    """Where the timeline is: the columns of its frame, the lines from its upper edge to its lower one, and whether
    the frame has sides. Its top is below the title, the facts and the overview."""

    width: int
    height: int
    sides: bool


def body_lines(height: int) -> int:
    """The lines for the parts, between what is above them and the keys."""
    return height - TOP - 1


def timeline_box(width: int, height: int) -> TimelineBox:
    """The timeline's place on a terminal, before it is known how many findings there are."""
    body = body_lines(height)
    name = layout(width, height)
    if name == "-wide":
        return TimelineBox(width * 5 // 9, body - FINDINGS, True)
    if name == "-medium":
        return TimelineBox(width, medium(body, FINDINGS)[0], True)
    return TimelineBox(width, body // 2, False)


def medium(body: int, findings: int) -> tuple[int, int, int]:
    """The lines of timeline, findings and the part below them, one above the other."""
    findings = max(_LEAST, min(findings, body // 4))
    rest = body - findings
    return rest - rest // 2, findings, rest // 2


def wide_left(body: int, findings: int) -> tuple[int, int]:
    """The lines of timeline and findings."""
    findings = max(_LEAST, min(findings, body // 3))
    return body - findings, findings


def shared(lines: int, needs: Sequence[int]) -> list[int]:
    """The lines that parts get who need so many: all they need where it is enough, else what is left in equal shares.

    What nobody needs is the first one's.
    """
    given = [0] * len(needs)
    left, waiting = lines, sorted(range(len(needs)), key=lambda at: needs[at])
    while waiting:
        at = waiting.pop(0)
        given[at] = min(max(needs[at], _LEAST), left // (len(waiting) + 1))
        left -= given[at]
    given[0] += left
    return given
