"""Differences in words: verb phrases with the hop as their subject. Everything off the wire is made visible."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamlab.comparing.comparison import ABSENT, Kind
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from streamlab.comparing.differences import Gathered

_SHOWN = 40


def number_of(count: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def seconds(value_us: int) -> str:
    """A span of time."""
    return f"{value_us / 1_000_000:.2f} s" if value_us >= 1_000_000 else f"{value_us / 1000:.0f} ms"


def shown(value: Any) -> str:
    """A JSON value, short."""
    if isinstance(value, str):
        return visible(value, _SHOWN) or '""'
    try:
        return visible(json.dumps(value, ensure_ascii=False), _SHOWN)
    except (TypeError, ValueError):
        return visible(repr(value), _SHOWN)


def message(one: Gathered) -> str:
    """What one difference says."""
    make = _MESSAGES.get(one.kind)
    words = make(one) if make is not None else one.detail
    return f"{words}: {one.trait}" if one.trait else words


def _first(one: Gathered, side: str = "a") -> int:
    """The event of the first place, on a side; the other side's where there is none."""
    pair = one.pairs[0]
    found = pair.a if side == "a" else pair.b
    found = found or pair.a or pair.b
    assert found is not None
    return found.event


def _after(one: Gathered, side: str) -> str:
    """Where something is missing or too much."""
    places = f", at {one.count} places" if one.count > 1 else ""
    if one.detail == "in":
        return f"in event {_first(one, side)}{places}"
    first = _first(one, side)
    where = f"after event {first - 1}" if first > 0 else "at the very start"
    return f"{where}{places}"


def _events(one: Gathered) -> str:
    return f"event {_first(one)}" if one.count == 1 else number_of(one.count, "event")


def _text(verb: str, side: str) -> Any:
    def words(one: Gathered) -> str:
        return f"{verb} {number_of(one.amount, 'character')}{one.what} {_after(one, side)}"

    return words


def _whole_events(verb: str, side: str) -> Any:
    def words(one: Gathered) -> str:
        which = number_of(one.events, "event") if one.events > 1 else f"event {_first(one, side)}"
        its = "" if side == "a" else " of its own" if one.events > 1 else " (its own)"
        said = f" ({visible(one.detail, 60)})" if one.detail and one.events == 1 else ""
        return f"{verb} {which}{its}{said}"

    return words


def _member(verb: str) -> Any:
    def words(one: Gathered) -> str:
        value = one.a_value if verb == "dropped" else one.b_value
        return f"{verb} `{visible(one.path or '', 60)}: {shown(value)}` in {_events(one)}"

    return words


def _rewrote(one: Gathered) -> str:
    return (
        f"rewrote `{visible(one.path or '', 60)}` in {_events(one)} "
        f"({_value(one.a_value)} became {_value(one.b_value)})"
    )


def _value(value: Any) -> str:
    return "nothing" if value is ABSENT else shown(value)


def _merged(one: Gathered) -> str:
    if one.detail == "whole":
        return f"turned a stream of {number_of(one.events, 'event')} into one JSON object"
    return f"merged {one.events:,} events into {one.amount:,}, from event {_first(one)} on"


def _split(one: Gathered) -> str:
    if one.detail == "whole":
        return f"turned one JSON object into a stream of {number_of(one.amount, 'event')}"
    return f"split {number_of(one.events, 'event')} into {one.amount:,}, from event {_first(one)} on"


def _torn(one: Gathered) -> str:
    more = f" (and {one.count - 1} more)" if one.count > 1 else ""
    return f"tore event {_first(one)}{more}: its lines became {number_of(one.amount, 'event')}"


def _finish(one: Gathered) -> str:
    if one.b_value in (None, ABSENT):
        return f"dropped finish_reason {shown(one.a_value)} from {_events(one)}"
    if one.a_value in (None, ABSENT):
        return f"put finish_reason {shown(one.b_value)} on {_events(one)} that had none"
    return f"changed finish_reason {shown(one.a_value)} to {shown(one.b_value)} in {_events(one)}"


def _swallowed(one: Gathered) -> str:
    said = one.detail.removeprefix("error ")
    words = f"swallowed the error in event {_first(one)}"
    return f"{words} ({visible(said, 60)})" if said else words


def _reported(one: Gathered) -> str:
    if one.detail != "error":
        return f"answered event {_first(one)}, which is no JSON, with an error event"
    words = f"reported the error in event {_first(one)}"
    if one.a_value == one.b_value:
        return f"{words} ({visible(one.a_value, 60)})"
    return f"{words} in its own words ({visible(one.a_value, 60)} became {visible(one.b_value, 80)})"


_MESSAGES: dict[Kind, Any] = {
    Kind.TEXT_LOST: _text("lost", "a"),
    Kind.TEXT_ADDED: _text("added", "b"),
    Kind.TEXT_CHANGED: lambda one: (
        f"changed {number_of(one.amount, 'character')} {_after(one, 'a')} "
        f"({shown(one.a_value)} became {shown(one.b_value)})"
    ),
    Kind.EVENT_LOST: _whole_events("dropped", "a"),
    Kind.EVENT_ADDED: _whole_events("added", "b"),
    Kind.EVENT_REPEATED: _whole_events("sent twice", "b"),
    Kind.EVENTS_REORDERED: lambda one: f"sent {_events(one)} in another place",
    Kind.EVENTS_MERGED: _merged,
    Kind.EVENTS_SPLIT: _split,
    Kind.EVENTS_REGROUPED: lambda one: (
        f"cut the same text in other places: {one.events:,} events became {one.amount:,}, from event {_first(one)} on"
    ),
    Kind.EVENT_TORN: _torn,
    Kind.EVENT_GARBLED: lambda one: f"rewrote {_events(one)}, which {one.detail}",
    Kind.ERROR_SWALLOWED: _swallowed,
    Kind.ERROR_ADDED: lambda one: f"added an error event, its event {_first(one, 'b')}",
    Kind.ERROR_REPORTED: _reported,
    Kind.DONE_LOST: lambda one: "dropped [DONE]",
    Kind.DONE_ADDED: lambda one: "invented [DONE]",
    Kind.DONE_REPEATED: lambda one: "sent [DONE] again",
    Kind.COMMENT_LOST: lambda one: f"dropped {number_of(one.events, 'comment')}",
    Kind.COMMENT_ADDED: lambda one: f"added {number_of(one.events, 'comment')}",
    Kind.FINISH_REASON_CHANGED: _finish,
    Kind.MEMBER_LOST: _member("dropped"),
    Kind.NULL_DROPPED: _member("dropped"),
    Kind.MEMBER_ADDED: _member("added"),
    Kind.NULL_ADDED: _member("added"),
    **dict.fromkeys(
        (
            Kind.ID_CHANGED,
            Kind.CREATED_CHANGED,
            Kind.MODEL_CHANGED,
            Kind.TOOL_CALL_ID_CHANGED,
            Kind.USAGE_CHANGED,
            Kind.MEMBER_CHANGED,
        ),
        _rewrote,
    ),
    Kind.FRAMING_CHANGED: lambda one: (
        f"framed {_events(one)} anew ({one.path}: {shown(one.a_value)} became {shown(one.b_value)})"
    ),
    Kind.JSON_REWRITTEN: lambda one: f"wrote the JSON of {_events(one)} anew, meaning the same",
}
