"""The account of a mended stream: for every event of the output, what was copied, derived or invented, from which
events of the input, and by the repair of which rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from streamlab.apis.registry import rule_named
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.repairing.account import Normalized, RepairedEvent
from streamlab.report.documents import dump
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repair import ABSENT, Change, Dropped, Origin
from streamlab.wire.visible import visible

_SHOWN = 60
FORMAT = "streamlab.blame/1"
#: Members that count tokens, of which 0 may be made up where a message has to begin with one.
_COUNTS = frozenset({"output_tokens", "input_tokens"})


class Ledger:
    """The account of a repaired stream as text, written event by event: what is said of an event takes far less memory
    than the event."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._count = 0
        self._lines: list[str] = []
        #: How what goes by unread begins, and its length; None where the last event was read.
        self._unread: tuple[RepairedEvent, int] | None = None

    def add(self, event: RepairedEvent) -> None:
        """The next event of the output. What goes by unread comes in pieces, which are told as one."""
        if event.origin is Origin.COPIED and not event.sources:
            first, size = self._unread or (event, 0)
            self._unread = first, size + len(event.raw)
            return
        self._end_unread()
        self._write(event, len(event.raw))

    def _end_unread(self) -> None:
        if self._unread is not None:
            self._write(*self._unread)
            self._unread = None

    def _write(self, event: RepairedEvent, size: int) -> None:
        if self._as_json:
            self._lines.append(dump({**event_json(self._count, event), "bytes": size}))
        else:
            self._lines += event_lines(self._count, event)
            if size > len(event.raw):
                self._lines[-1] += f"  ({size:,} bytes)"
        self._count += 1

    def forget(self) -> None:
        """Leave every event out."""
        self._lines, self._unread = [], None

    def lines(self, normalized: Normalized) -> list[str]:
        """The account as text, one line an event, changes below it; safe to print."""
        self._end_unread()
        return [*self._lines, *map(_dropped_line, normalized.dropped)]

    def document(self, source: str, normalized: Normalized) -> Iterator[str]:
        """One repaired exchange as a JSON document, in pieces: its events, what was mended, what could not be."""
        self._end_unread()
        yield f'{{\n "format": {dump(FORMAT)},\n "source": {dump(source)},\n "events": ['
        for at, line in enumerate(self._lines):
            yield f"{',' * (at > 0)}\n  {line}"
        yield "\n ]" if self._lines else "]"
        dropped = [
            {"rule": one.rule, "from": list(one.sources), "repairs": sorted({one.rule, *one.before})}
            for one in normalized.dropped
        ]
        for name, value in {"dropped": dropped, **summary_json(normalized)}.items():
            yield f",\n {dump(name)}: {dump(value)}"
        yield "\n}\n"


def summary_json(normalized: Normalized) -> dict[str, Any]:
    """What was mended, by rule, and what could not be."""
    return {
        "mended": dict(sorted(normalized.changes.items())),
        "unmended": [{"rule": one.rule, "event": one.event, "why": one.why} for one in normalized.unrepaired],
    }


def event_json(at: int, event: RepairedEvent) -> dict[str, Any]:
    """One event of the output."""
    return {
        "event": at,
        "origin": str(event.origin),
        "from": list(event.sources),
        "repairs": list(event.repairs),
        "changes": [change_json(change) for change in event.changes],
        "bytes": len(event.raw),
    }


def change_json(change: Change) -> dict[str, Any]:
    """One change; ``was`` and ``now`` are left out where there was or is nothing."""
    result: dict[str, Any] = {"rule": change.rule, "path": change.path, "origin": str(change.origin)}
    if change.was is not ABSENT:
        result["was"] = _plain(change.was)
    if change.now is not ABSENT:
        result["now"] = _plain(change.now)
    return result


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def event_lines(at: int, event: RepairedEvent) -> Iterator[str]:
    """One event of the output, and what was changed in it; safe to print."""
    yield f"{at:>5}  {event.origin:<8}  from {_numbers(event.sources) or '-':<9}  {_payload(event)}"
    for change in event.changes:
        yield f"{'':>9}{change.rule}: {_change(change)}"


def _dropped_line(one: Dropped) -> str:
    before = sorted(one.before - {one.rule})
    more = f" (mended before: {', '.join(before)})" if before else ""
    return f"{'-':>5}  dropped   from {_numbers(one.sources) or '-':<9}  {one.rule}{more}"


def summary_lines(normalized: Normalized, unsafe: bool = False, report: Report | None = None) -> Iterator[str]:
    """What was mended and what could not be, by rule, what was made up, and what is left; safe to print. ``unsafe``
    says whether repairs that need a guess were asked for, ``report`` what is known to be said of the output."""
    stays = {one.rule for one in normalized.unrepaired}
    for rule, count in sorted(normalized.changes.items()):
        if rule in stays:
            continue
        found = rule_named(rule)
        guess = found is not None and found.repairability is Repairability.UNSAFE
        yield f"mended {rule} ({count} event{'s' * (count != 1)}{', a guess' if guess else ''})"
    for one in normalized.unrepaired:
        where = f" at event {one.event}" if one.event is not None else ""
        yield visible(f"not mended: {one.rule}{where}: {one.why}", 300)
    made = [f"{what} ({rule})" for what, rule in normalized.invented]
    if made:
        counted = any(what in _COUNTS for what, _ in normalized.invented)
        never = "no text or call" if counted else "no text, call or count"
        yield visible(f"made up, for clients that cannot do without: {', '.join(made)}; {never}", 300)
    yield from _left(report or analyze(normalized.exchange), stays, unsafe)
    if normalized.left_alone is not None:
        yield visible(f"left as it is: {normalized.left_alone}", 300)
    elif not normalized.changes and not normalized.unrepaired:
        yield "nothing to mend: the stream is as it came"


def _left(report: Report, told: set[str], unsafe: bool) -> Iterator[str]:
    """The errors that a check of the output finds, and the option that would help."""
    worst: dict[str, Finding] = {}
    for one in report.findings:
        if one.severity is Severity.ERROR:
            worst.setdefault(one.rule, one)
    for rule, one in worst.items():
        if one.repairability is Repairability.UNSAFE and not unsafe:
            yield f"left: {rule}; normalize --unsafe mends it, by a guess"
        elif rule not in told:
            yield visible(f"left: {rule}: {one.message}; streamlab rule {rule} says why", 300)


def _payload(event: RepairedEvent) -> str:
    return visible(event.raw.decode("utf-8", "replace").strip(), 100)


def _change(change: Change) -> str:
    path = visible(change.path, _SHOWN)
    was = "" if change.was is ABSENT else f"was {_shown(change.was)}"
    now = "" if change.now is ABSENT else f"now {_shown(change.now)}"
    if was and path and not now:
        now = "removed"  # without a path it is how the event came, which goes on in another form
    invented = " (invented)" if str(change.origin) == "invented" else ""
    return " ".join(part for part in (path, ", ".join(part for part in (was, now) if part)) if part) + invented


def _shown(value: Any) -> str:
    """As JSON has it: what a stream holds is null, not None."""
    return visible(dump(_plain(value)), _SHOWN)


def _numbers(sources: Iterable[int]) -> str:
    """``3-5, 8``."""
    spans: list[list[int]] = []
    for at in sorted(set(sources)):
        if spans and at == spans[-1][1] + 1:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
