"""Which parts of an exchange's screen have room beside each other; app.tcss says where they are."""

from __future__ import annotations

from typing import NamedTuple

#: Segments indexed before the first screen; the analyst process does the rest.
AT_ONCE = 128


def layout(width: int, height: int) -> str:
    """The style class for a terminal of so many columns and lines."""
    if width >= 140 and height >= 36:
        return "-wide"
    return "-medium" if width >= 100 and height >= 28 else "-narrow"


class TimelineBox(NamedTuple):
    """Where the timeline is: the columns of its frame, the lines from its upper edge to its lower one, and whether
    the frame has sides. Its top is below the title, the facts and the overview."""

    width: int
    height: int
    sides: bool


TOP = 4


def timeline_box(width: int, height: int) -> TimelineBox:
    """The timeline's place on a terminal; the same as app.tcss makes it."""
    body = height - TOP - 1
    name = layout(width, height)
    if name == "-wide":
        return TimelineBox(width * 5 // 9, body - 10, True)
    if name == "-medium":
        return TimelineBox(width * 3 // 5, body - 9, True)
    return TimelineBox(width, body // 2, False)
