"""The tracker of tool calls: which call each fragment belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from streamlab.wire.calls import CallTracker, Scan, TrackedCall, View, whole_name

WHOLE = '{"a":1}'


def fragment(index: Any = ..., call_id: Any = ..., name: Any = ..., arguments: Any = "") -> dict[str, Any]:
    """A fragment with what is given."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not ...}
    return {key: value for key, value in (("index", index), ("id", call_id)) if value is not ...} | {
        "function": function
    }


def tracked(*listed: dict[str, Any], view: View = View.MEANT) -> list[int]:
    """For each fragment the number of its call, in order of appearance."""
    tracker, calls, numbers = CallTracker(TrackedCall, view), [], []
    for one in listed:
        call = tracker.place(0, one).call
        if not any(call is known for known in calls):
            calls.append(call)
        numbers.append(next(at for at, known in enumerate(calls) if known is call))
    return numbers


@pytest.mark.parametrize(
    ("listed", "meant", "by_index"),
    [
        ([fragment(0, "A", "f"), fragment(0, arguments=WHOLE), fragment(1, "B", "g")], [0, 0, 1], [0, 0, 1]),
        ([fragment(..., "A", "f"), fragment(0, arguments=WHOLE)], [0, 0], [0, 0]),
        ([fragment(..., "A", "f"), fragment(..., "B", "g"), fragment(..., "A", arguments="1")], [0, 1, 0], [0, 1, 0]),
        ([fragment(..., "A", "f"), fragment(..., "B", arguments="{"), fragment(..., arguments="}")], [0] * 3, [0] * 3),
        ([fragment(..., ..., "f", WHOLE), fragment(..., ..., "f", WHOLE)], [0, 1], [0, 1]),
        ([fragment("0", "A", "f"), fragment(0, arguments=WHOLE)], [0, 0], [0, 0]),
        # an index that two calls share
        ([fragment(0, "A", "f", WHOLE), fragment(0, "B", "f", WHOLE)], [0, 1], [0, 0]),
        ([fragment(0, "A", "f", WHOLE), fragment(0, "A", "g", WHOLE)], [0, 1], [0, 0]),
        ([fragment(0, "A", "f", '{"a":'), fragment(0, "B", "f", "1}")], [0, 0], [0, 0]),
        ([fragment(0, "A", "get_"), fragment(0, ..., "weather")], [0, 0], [0, 0]),
        # an index that counts the fragments of one call
        ([fragment(0, "A", "f", '{"a'), fragment(1, arguments='":'), fragment(2, arguments="1}")], [0] * 3, [0, 1, 2]),
        ([fragment(0, "A", "f"), fragment(1, arguments=WHOLE), fragment(2, arguments="")], [0] * 3, [0, 1, 2]),
        ([fragment(0, "A", "f", '{"a'), fragment(1, arguments='":1}'), fragment(2, "B", "g", "{"),
          fragment(3, arguments="}")], [0, 0, 1, 1], [0, 1, 2, 3]),
        # it is not certain that it does
        ([fragment(0, "A", "f", WHOLE), fragment(1, arguments=WHOLE)], [0, 1], [0, 1]),
        ([fragment(0, "A", "f", '{"a'), fragment(1, arguments='{"b":1}')], [0, 1], [0, 1]),
        ([fragment(0, "A", "f", '{"a'), fragment(2, arguments='":1}')], [0, 1], [0, 1]),
        ([fragment(0, "A", "f", '{"a'), fragment(1, "B", arguments='":1}')], [0, 1], [0, 1]),
        ([fragment(0, ..., "f", '{"a'), fragment(1, arguments='":1}')], [0, 1], [0, 1]),
        ([fragment(0, "A", "f"), fragment(0, arguments='{"a'), fragment(1, arguments='":1}')], [0, 0, 1], [0, 0, 1]),
    ],
)  # fmt: skip
def test_fragments_are_placed(listed: list[dict[str, Any]], meant: list[int], by_index: list[int]) -> None:
    assert tracked(*listed) == meant
    assert tracked(*listed, view=View.BY_INDEX) == by_index


@pytest.mark.parametrize(
    ("pieces", "name"),
    [
        (("get_", "weather"), "get_weather"),
        (("get_weather", "get_weather"), "get_weather"),
        (("get", "get_wea", "get_weather"), "get_weather"),
        (("get_", "weather", "weather"), "get_weather"),
    ],
)
def test_names_are_joined(pieces: tuple[str, ...], name: str) -> None:
    known, last = None, ""
    for piece in pieces:
        known, last = whole_name(known, last, piece), piece
    assert known == name


def test_arguments_are_complete_when_their_brackets_are_closed() -> None:
    scan, seen = Scan(), []
    for piece in ('{"a', '":"}\\', '"}', '"', "}", '{"'):
        scan.add(piece)
        seen.append((scan.complete, scan.balanced))
    assert seen == [(False, False)] * 4 + [(True, True), (True, False)]
