"""What the account of a repair says, held line by line against the bytes that came and those that went.

The account is read as what to do to the events that came: done to them, it gives the events that went. Where it says
something of an event as a whole, in words, what follows is held to the members of the event that went alone.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

from streamlab.exchange import Exchange
from streamlab.repairing.account import Normalized, RepairedEvent
from streamlab.rules.repair import ABSENT, MAX_DROPPED, Change, Origin
from streamlab.wire.creation_times import date_of
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.locate import steps_of
from tests.harm_laws import Came, events_of

NUMBERS = "an event is named that did not come"
COPIED = "what is called copied did not come"
NOW = "a member is not what it is said to be now"
WAS = "a member was not what it is said to have been"
UNSAID = "a member changed without a word"
GONE = "an event went without a word"
COUNTS = "rules are counted otherwise than their lines"
MADE_UP = "what nobody said is not told as made up"
TWICE = "an event is told as dropped by a repair that made another of it"
LINE = "an event: line is put in, or changed, without a word"

#: An event of which nothing is known member by member.
_UNKNOWN: Any = object()
#: The rules about the event: line.
_LINES = frozenset({"messages-event-line-missing", "messages-event-name-mismatch", "responses-event-type-mismatch"})
#: Named in the account of a body without an event: its coding went.
_OF_BODIES = frozenset({"gzip-on-sse", "encoding-mislabelled"})


def broken_accounts(exchange: Exchange, repaired: Normalized) -> dict[str, list[str]]:
    """The laws that the account of a repaired exchange breaks, and where."""
    read = events_of(exchange)
    laws: dict[str, list[str]] = {}
    if read is not None and repaired.left_alone is None:
        for law, what in _broken(read, repaired):
            laws.setdefault(law, []).append(what)
    return laws


def _broken(read: Came, repaired: Normalized) -> Iterator[tuple[str, str]]:
    came = read.events
    parts = [*(one.sources for one in repaired.events), *(one.sources for one in repaired.dropped)]
    if beyond := [sources for sources in parts if any(not 0 <= at < len(came) for at in sources)]:
        yield NUMBERS, f"{beyond} of {len(came)}"
        return
    if "translated" not in repaired.changes:
        for number, one in enumerate(repaired.events):
            for law, what in _of_event(one, [came[at] for at in one.sources]):
                yield law, f"[{number}] {what}"
        yield from _made_up(read, repaired)
    for gone in repaired.dropped:
        if any(one.sources == gone.sources and gone.rule in one.repairs for one in repaired.events):
            yield TWICE, f"{gone}"
    seen = {at for sources in parts for at in sources}
    missing = [at for at in range(len(came)) if at not in seen]
    is_whole_body = len(repaired.events) == 1 and not repaired.events[0].sources
    if missing and not is_whole_body and len(repaired.dropped) < MAX_DROPPED:
        yield GONE, f"{missing[:5]} {[came[at].sse.raw[:60] for at in missing[:3]]}"
    lines = Counter(rule for one in repaired.events for rule in one.repairs)
    lines.update(rule for one in repaired.dropped for rule in {one.rule, *one.before})
    told = {rule: count for rule, count in repaired.changes.items() if rule not in _OF_BODIES}
    if dict(lines) != told:
        yield COUNTS, f"{dict(lines)} in lines, {told} counted"


#: Members that clients cannot do without.
_NEEDED = frozenset({"id", "call_id", "role", "type", "object", "created"})


def _made_up(read: Came, repaired: Normalized) -> Iterator[tuple[str, str]]:
    """What an event lacked, and has now though nothing that came holds it, nor the request; the member of a delta says
    its type."""
    request, head = repaired.exchange.request, repaired.exchange.head
    came = b"".join(one.sse.raw for one in read.events if one.sse is not None)
    came += (request.body or b"") if request is not None else b""
    for one in repaired.events:
        for change in one.changes:
            lacked = change.was in (ABSENT, None, "") and change.path.rpartition(".")[2] in _NEEDED
            if not lacked or change.origin is Origin.INVENTED or change.path == "delta.type":
                continue
            said = change.now != "" and str(change.now).encode() in came
            if type(change.now) in (str, int) and not said and change.now != date_of(head):
                yield MADE_UP, f"{change}"
        yield from _built(one, read)


def _built(one: RepairedEvent, read: Came) -> Iterator[tuple[str, str]]:
    """Members of a delta that was built whole which no delta of what it is made of had."""
    told = {change.path.rpartition(".")[2] for change in one.changes if change.path.startswith("choices[")}
    came = {key for at in one.sources for key, _ in _opening(_json(read.events[at]))}
    for key, value in _opening(_json(one.event)) if any(not change.now for change in one.changes) else ():
        if key not in came and not told & {key, "tool_calls"}:
            yield MADE_UP, f"{key}: {value!r} of a delta; {one.repairs}"


def _opening(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of the deltas of a chunk that open an answer, and its calls."""
    for choice in value.get("choices") or () if isinstance(value, dict) else ():
        delta = choice.get("delta") if isinstance(choice, dict) else None
        for part in [delta, *(delta.get("tool_calls") or ())] if isinstance(delta, dict) else ():
            yield from ((key, part[key]) for key in ("role", "type", "id") if isinstance(part, dict) and part.get(key))


def _of_event(one: RepairedEvent, sources: list[StreamEvent]) -> Iterator[tuple[str, str]]:
    if one.origin is Origin.COPIED:
        raw = b"".join(source.sse.raw for source in sources if source.sse is not None)
        if sources and one.raw not in raw:
            yield COPIED, f"{one.raw[:80]!r}, where {raw[:80]!r} came"
        return
    yield from _line(one, sources)
    state = yield from _replayed(one, [_json(source) for source in sources])
    went = _json(one.event)
    if went is None:
        return
    if state is _UNKNOWN:
        yield from _now(one, went)
    else:
        for path, told, held in _differences("", state, went):
            yield UNSAID, f"{path}: {told!r} by the account, {held!r} went; {one.repairs}"


def _line(one: RepairedEvent, sources: list[StreamEvent]) -> Iterator[tuple[str, str]]:
    """The line with the name of an event that is another than it had when it came, of which nothing is said."""
    came = [source.sse.event for source in sources if source.sse is not None]
    name = one.event.sse.event if one.event.sse is not None else None
    if name is None or len(came) != 1 or came[0] == name:
        return
    if not any(not change.path and (change.now in (ABSENT, name.decode())) for change in one.changes):
        yield LINE, f"{name!r} where {came[0]!r} came; {one.repairs}"


def _replayed(one: RepairedEvent, came: list[Any]) -> Iterator[tuple[str, str]]:
    """What of the account of one event cannot be done to what came; returns what comes of the rest."""
    state = copy.deepcopy(came[0]) if len(came) == 1 and came[0] is not None else _UNKNOWN
    for number, change in enumerate(one.changes):
        framed = change.rule.startswith("sse-") and type(change.now) is not dict  # its JSON is as it was
        if (framed or change.rule in _LINES) and not change.path and state is not _UNKNOWN:
            continue
        if not change.path or (change.was is ABSENT and change.now is ABSENT):
            state = copy.deepcopy(change.now) if type(change.now) is dict else _UNKNOWN
            continue
        if state is not _UNKNOWN:
            if not _same(at_path(state, change.path), change.was):
                yield WAS, f"{change} was {at_path(state, change.path)!r}"
            state = _put(state, change.path, change.now)
        elif change.was is not ABSENT and any(one is not None for one in came):
            before = [one.now for one in one.changes[:number] if one.path == change.path]
            if not any(_same(value, change.was) for value in (*before, *(at_path(one, change.path) for one in came))):
                yield WAS, f"{change} was {[at_path(one, change.path) for one in came]!r}"
    return state


def _now(one: RepairedEvent, went: Any) -> Iterator[tuple[str, str]]:
    """Members that are not what the last word about them says, of what is said behind words about the whole event."""
    whole = max(
        (at for at, one in enumerate(one.changes) if not one.path or (one.was is ABSENT and one.now is ABSENT)),
        default=-1,
    )
    last: dict[str, Change] = {}
    for change in one.changes[whole + 1 :]:
        way = steps_of(change.path)
        last = {
            path: before for path, before in last.items() if steps_of(path)[: len(way)] != way[: len(steps_of(path))]
        }
        last[change.path] = change
    for path, change in last.items():
        if not _same(at_path(went, path), change.now):
            yield NOW, f"{change} is {at_path(went, path)!r}"


def _json(event: StreamEvent) -> Any:
    return event.json if isinstance(event, Chunk | ErrorPayload) else None


def at_path(value: Any, path: str) -> Any:
    """The member of a value that a path names; `ABSENT` where there is none."""
    for step in steps_of(path):
        holds = isinstance(step, int) and isinstance(value, list) and step < len(value)
        if not (holds or (isinstance(step, str) and isinstance(value, dict) and step in value)):
            return ABSENT
        value = value[step]
    return value


def _put(value: Any, path: str, now: Any) -> Any:
    """A value with one member set, or taken out."""
    *way, last = steps_of(path)
    holder = value
    for step in way:
        holder = at_path(holder, f"[{step}]" if isinstance(step, int) else step)
    if isinstance(last, int) and now is ABSENT:
        return _UNKNOWN  # what stood behind it has another place
    if isinstance(holder, dict if isinstance(last, str) else list):
        if now is ABSENT:
            holder.pop(last, None)
        else:
            holder[last] = copy.deepcopy(now)
        return value
    return _UNKNOWN


def _same(held: Any, told: Any) -> bool:
    return type(held) is type(told) and held == told


def _differences(path: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from _differences(f"{path}.{key}" if path else key, was.get(key, ABSENT), now.get(key, ABSENT))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for at, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(f"{path}[{at}]", one, other)
    elif not _same(was, now):
        yield path, was, now
