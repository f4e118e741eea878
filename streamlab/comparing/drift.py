"""How an answer is built, without the words the model chose: its shape; and what changed between two shapes.

A shape holds what a client's code depends on: status, media type, how it ended, the kinds of events and the members
with the types of their values, in the order in which they first come, how it was delivered, which rules speak. Texts,
ids, numbers, dates, how a text is cut into events, comments that fill silence and findings on timing are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streamlab.exchange import Exchange
from streamlab.judging.report import Report
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import SSEDecoder
from streamlab.wire.visible import visible

_MAX_MEMBERS = 20_000
#: An answer of so many events that came in at most two reads was held back.
_MANY_EVENTS = 8
#: What is a slower start and not chance: so many times, and by so many microseconds at least.
_TIMES, _LEAST_US = 5, 2_000_000


class Aspect(StrEnum):
    """What of an answer changed."""

    STATUS = "status"
    MEDIA_TYPE = "media type"
    ENDING = "ending"
    EVENTS = "events"
    MEMBERS = "members"
    ORDER = "order"
    DELIVERY = "delivery"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """One thing that changed, in words."""

    aspect: Aspect
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """See above. ``members`` are (event name or kind, path, type); ``kinds`` are kinds of events as they first came."""

    status: int | None
    media_type: str | None
    ending: str
    kinds: tuple[str, ...]
    members: frozenset[tuple[str, str, str]]
    order: tuple[frozenset[str], ...]
    held_back: bool
    first_us: int | None
    findings: frozenset[tuple[str, str]]


def shape_of(exchange: Exchange, report: Report, timing_rules: frozenset[str]) -> Shape:
    """The shape of an exchange and its report; ``timing_rules`` are left out."""
    head = exchange.head
    kinds: dict[str, None] = {}
    members: set[tuple[str, str, str]] = set()
    order: dict[frozenset[str], None] = {}
    events = 0
    for kind, found in _events(exchange):
        events += 1
        kinds.setdefault(kind)
        members |= {(kind, path, what) for path, what in found}
        order.setdefault(frozenset(path for path, what in found if what != "null"))
    media_type = ((head.header("content-type") or "").partition(";")[0].strip().lower() or None) if head else None
    return Shape(
        head.status if head is not None else None,
        media_type,
        str(exchange.ending),
        tuple(kinds),
        frozenset(members),
        tuple(order),
        exchange.timing_known and events >= _MANY_EVENTS and len({one.offset_us for one in exchange.segments}) <= 2,
        exchange.segments[0].offset_us if exchange.segments else None,
        frozenset((one.rule, str(one.severity)) for one in report.findings if one.rule not in timing_rules),
    )


def _events(exchange: Exchange) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """The kind of each event, and its members; a whole answer is one event."""
    head = exchange.head
    body = BodyDecoder.of(head, guess=True)
    data = b"".join(body.feed(segment.data) for segment in exchange.segments) + body.finish()
    whole = decode_payload(data)
    if whole.ok and isinstance(whole.value, dict | list):
        yield "whole answer", _members(whole.value)
        return
    decoder = SSEDecoder()
    for event in (*decoder.feed(data), *decoder.finish()):
        if event.data is None:
            continue
        payload = decode_payload(event.data)
        if event.data.strip() == b"[DONE]":
            yield "[DONE]", set()
        elif payload.ok and isinstance(payload.value, dict | list):
            yield _kind(event.event, payload.value), _members(payload.value)
        else:
            yield "text that is no JSON", set()


def _kind(name: bytes | None, value: dict[str, Any] | list[Any]) -> str:
    """What an event is called, by its name or its type."""
    own = value.get("type") if isinstance(value, dict) else None
    called = name.decode("utf-8", "replace") if name else own if isinstance(own, str) else ""
    return f"event {visible(called, 60)}" if called else "event"


def _members(value: Any) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    waiting, budget = [("", value)], _MAX_MEMBERS
    while waiting and budget:
        budget -= 1
        path, one = waiting.pop()
        if path:
            found.add((path, _type(one)))
        if isinstance(one, dict):
            waiting += [(f"{path}.{key}" if path else key, inner) for key, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{path}[]", inner) for inner in one]
    return found


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array"


def shape_changes(before: Shape, after: Shape) -> Iterator[ShapeChange]:
    """What is otherwise now, the most consequential first."""
    for aspect, old, new in (
        (Aspect.STATUS, before.status, after.status),
        (Aspect.MEDIA_TYPE, before.media_type, after.media_type),
        (Aspect.ENDING, before.ending, after.ending),
    ):
        if old != new:
            yield ShapeChange(aspect, f"{_or_none(old)} before, {_or_none(new)} now")
    if before.status != after.status:
        return  # an error has another shape than an answer: that it is one was said
    yield from _gained_and_lost(Aspect.EVENTS, set(before.kinds), set(after.kinds))
    yield from _changed_members(before, after)
    yield from _changed_order(before, after)
    yield from _changed_delivery(before, after)
    gravest = dict((*before.findings, *after.findings))
    rules = ({rule for rule, _ in one.findings} for one in (before, after))
    for change in _gained_and_lost(Aspect.FINDINGS, *rules):
        word, _, rule = change.text.partition(" ")
        yield ShapeChange(Aspect.FINDINGS, f"{word} {rule} ({gravest[rule]})")


def _or_none(value: object) -> str:
    return "none" if value is None else str(value)


def _gained_and_lost(aspect: Aspect, before: set[str], after: set[str]) -> Iterator[ShapeChange]:
    yield from (ShapeChange(aspect, f"gained {one}") for one in sorted(after - before))
    yield from (ShapeChange(aspect, f"lost {one}") for one in sorted(before - after))


def _changed_members(before: Shape, after: Shape) -> Iterator[ShapeChange]:
    """Members of kinds of events that both have; one below a member that came or went is not told again."""
    shared = set(before.kinds) & set(after.kinds)
    old, new = _typed(before, shared), _typed(after, shared)
    told: set[tuple[str, str]] = set()
    for place in sorted({*old, *new}):
        kind, path = place
        if any((kind, path[:at]) in told for at, letter in enumerate(path) if letter in ".["):
            continue
        was, now = old.get(place, frozenset()), new.get(place, frozenset())
        where = path if kind == "event" else f"{path} of {kind}"
        if was and not now:
            told.add(place)
            yield ShapeChange(Aspect.MEMBERS, f"lost {where} ({_types(was)})")
        elif now and not was:
            told.add(place)
            yield ShapeChange(Aspect.MEMBERS, f"gained {where} ({_types(now)})")
        elif was - {"null"} != now - {"null"}:
            yield ShapeChange(Aspect.MEMBERS, f"{where}: {_types(was)} before, {_types(now)} now")


def _typed(shape: Shape, kinds: set[str]) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for kind, path, what in shape.members:
        if kind in kinds:
            found.setdefault((kind, path), set()).add(what)
    return {place: frozenset(types) for place, types in found.items()}


def _types(found: frozenset[str]) -> str:
    return " or ".join(sorted(found))


def _changed_order(before: Shape, after: Shape) -> Iterator[ShapeChange]:
    """Forms of events that both have and that come in another order. Where a form is new, that was said."""
    old = [one for one in before.order if one in after.order]
    new = [one for one in after.order if one in before.order]
    if old != new:
        yield ShapeChange(Aspect.ORDER, "the same events come in another order")


def _changed_delivery(before: Shape, after: Shape) -> Iterator[ShapeChange]:
    if before.held_back != after.held_back:
        words = ("streamed", "in one piece")
        yield ShapeChange(Aspect.DELIVERY, f"{words[before.held_back]} before, {words[after.held_back]} now")
    if before.first_us is not None and after.first_us is not None:
        least, most = sorted((before.first_us, after.first_us))
        if most > _TIMES * least and most - least > _LEAST_US:
            times = (f"{one / 1e6:.1f} s" for one in (before.first_us, after.first_us))
            yield ShapeChange(Aspect.DELIVERY, "first bytes after {} before, {} now".format(*times))
