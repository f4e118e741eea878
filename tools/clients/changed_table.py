"""What clients do otherwise than when they were measured before, for docs/clients.md."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass, field

from measured import Run, runs

from streamlab.clients.setups import setups
from streamlab.comparing.held import EMPTY

_EXAMPLES = 3


@dataclass
class Compared:
    """A client in its last two measurements: of how many streams there are two, and on which it did something else."""

    before: str = ""
    now: str = ""
    dates: tuple[str, str] = ("", "")
    streams: int = 0
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def compared(measured: list[Run]) -> dict[str, Compared]:
    """Of each client, stream by stream, given the same tools. ``measured`` is the oldest first."""
    last: dict[tuple[str, str], tuple[Run, str]] = {}
    found: dict[str, Compared] = {}
    for run in (one for one in measured if one.strict):
        for stream, told in run.streams.items():
            for client in run.clients:
                did = _kind(told["outcomes"].get(client, "same"))
                if (known := last.get((client, stream))) is not None and known[0].date != run.date:
                    one = found.setdefault(client, Compared(known[0].clients[client]["version"]))
                    one.now, one.dates = run.clients[client]["version"], (known[0].date, run.date)
                    one.streams += 1
                    one.changes += [(stream, known[1], did)] * (known[1] != did)
                last[client, stream] = run, did
    return found


def _kind(said: str) -> str:
    """What was done, without the words of a message, and without what results before 30 November 2026 do not say: that
    nothing was held at all, and that nothing was said of a broken stream of which all was held."""
    if said.startswith("error"):
        return ": ".join(said.split(": ")[:2])
    return "same" if said == "same [silent]" else said.replace(f"wrong:{EMPTY}", "wrong:")


def lines() -> list[str]:
    """The part of the page."""
    found = {client: one for client, one in compared(runs()).items() if client in setups()}
    dates = Counter(one.dates for one in found.values()).most_common(1)[0][0]
    days = [f"{day.day} {day:%B %Y}" for day in map(datetime.date.fromisoformat, dates)]
    cells, changes = sum(one.streams for one in found.values()), sum(len(one.changes) for one in found.values())
    changed = {client: one for client, one in found.items() if one.changes}
    rows = [
        f"| {setups()[client].name} | {_version(one)} | {len(one.changes)} of {one.streams} | {_shown(one.changes)} |"
        for client, one in sorted(changed.items(), key=lambda each: -len(each[1].changes))
    ]
    return [
        "## What changed since they were measured before",
        "",
        f"`streamlab clients measure` asked {len(found)} set-ups on {days[1]} about streams that they had been asked "
        f"about on {days[0]}: of {cells} answers {changes} were others. Where the version is the same, the stream, the "
        "loop around the client or a package that it stands on changed meanwhile. Clients that are not listed did what "
        "they had done before.",
        "",
        "| client | version | otherwise | such as |",
        "|---|---|--:|---|",
        *rows,
        "",
        "`wrong` names what differs from what the client makes of the perfect stream: t text, r reasoning, k number of "
        "calls, n names, a arguments, i ids, o order, v calls marked invalid, f finish reason, u usage.",
        "",
    ]


def _version(one: Compared) -> str:
    return one.now if one.now == one.before else f"{one.before} → {one.now}"


def _shown(changes: list[tuple[str, str, str]]) -> str:
    told = [f"`{stream}` ({before} → {now})" for stream, before, now in changes[:_EXAMPLES]]
    return "; ".join(told) + ("; …" if len(changes) > _EXAMPLES else "")
