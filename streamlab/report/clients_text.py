"""What real clients made of recorded bytes: tables for people, JSON for machines (``streamlab.clients/1``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table
from rich.text import Text

from streamlab import __version__
from streamlab.clients.setups import ClientSetup
from streamlab.comparing.held import FIELDS, INTERRUPTED, ClientRow, Parting, Reaction, SecondQuestion, TriedExchange
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.plain_table import plain_table
from streamlab.wire.visible import visible

_ERROR, _AGAIN = "error(", "again:"
#: What a client did of which a broken stream was the reason: an error, another question, its own word for a cut.
_NOTICED = (_ERROR, _AGAIN, INTERRUPTED)
_ASKS = {
    f"{_AGAIN} {SecondQuestion.NOT_STREAMED}": "throws the stream away and asks again without streaming",
    f"{_AGAIN} {SecondQuestion.NOT_CALLED}": "does not run the tool, asks the model again",
}
_KINDS = {
    "wrong": "differs:",
    "silent": "broken stream, not noticed",
    "own": "its own way, on perfect streams too:",
}


def print_tried(console: HarmlessConsole, found: Sequence[TriedExchange], asked: int) -> None:
    """A table for each exchange, and a line about all."""
    for one in found:
        count = len(one.report.findings)
        head = f"{visible(one.name)}  {count} finding{'s' * (count != 1)}"
        console.print(Text(head, style="bold"))
        if one.errors:
            console.hanging(Text(f"no repair takes away: {', '.join(one.errors)}", style="dim"), 2, 4)
        if one.rows:
            console.print(_table(one))
        else:
            console.print(Text(f"  no client that was asked speaks {one.spoken}", style="dim"))
        if one.tools and one.strict is None:
            told = "the request is not known: clients offer the tools that the answer calls, none of them strict"
            console.hanging(Text(told, style="dim"), 2, 4)
        alike: dict[str, list[str]] = {}
        for row in one.rows:
            for line in (*_further(row), *otherwise_offered(one, row)):
                alike.setdefault(line, []).append(row.setup.name)
        for line, names in alike.items():
            console.hanging(Text(f"{_some(names)}: {line}", style="dim"), 2, 4)
    console.print(Text(summary(found, asked), style="bold"))


def _some(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _table(one: TriedExchange) -> Table:
    table = plain_table()
    for title in ("  client", "as it came", "repaired" if one.repairable else "", "asked"):
        table.add_column(title, overflow="fold", justify="right" if title == "asked" else "left")
    for row in one.rows:
        repaired = _cell(row.repaired, bool(one.errors)) if row.repaired is not None else Text()
        name = Text(f"  {row.setup.name}\n  {visible(_version(row), 60)}")
        name.stylize("dim", len(row.setup.name) + 2)
        table.add_row(name, _cell(row.came, bool(one.errors)), repaired, _asked(row))
    return table


def _version(row: ClientRow) -> str:
    """The client's own package of all that its driver names."""
    listed = row.version.split(", ")
    return next((one for one in listed if one.startswith(f"{row.setup.package} ")), listed[0])


def _asked(row: ClientRow) -> Text:
    count = max(row.came.requests, row.repaired.requests if row.repaired is not None else 0)
    return Text(str(count), style="bold red" if count > 1 else "dim")


def _cell(reaction: Reaction, broken: bool) -> Text:
    good = reaction.outcome is None or is_good(reaction, broken)
    return Text(in_words(reaction), style="green" if good else "red")


def in_words(reaction: Reaction) -> str:
    """What a client did, in a phrase."""
    told, held = reaction.outcome, reaction.held
    if told is None:
        return "not asked"
    if told == "right":
        return "right"
    if told == INTERRUPTED:
        return "says that it was interrupted"
    if told == "wrong:u":
        return "right but for usage"
    if told.startswith(_AGAIN):
        return _ASKS[told]
    if told == "hang":
        return "does not end"
    if told.startswith(_ERROR):
        where = " in its documented loop" if held.get("error_in") == "driver" else ""
        name = str(held.get("error_type") or "an error").rpartition(".")[2]
        return f"raises {visible(name, 60)}{where}, {held.get('n_chunks') or 0} chunks in"
    kind, _, letters = told.partition(":")
    fields = ", ".join(FIELDS[letter] for letter in letters)
    return f"{_KINDS[kind]} {fields}" if fields else _KINDS[kind]


def _further(row: ClientRow) -> Iterable[str]:
    """Where it parts from the ideal, and what it raised."""
    for reaction, when in ((row.came, ""), (row.repaired, ", repaired")):
        if reaction is None:
            continue
        if reaction.parting is not None:
            yield f"{_place(reaction.parting)}{when}"
        elif (reaction.outcome or "").startswith(_ERROR):
            yield f"{visible(str(reaction.held.get('error') or 'raises without a word'), 160)}{when}"
        if reaction.requests > 1:
            yield f"asks {reaction.requests} times{when}"


def otherwise_offered(one: TriedExchange, row: ClientRow) -> Iterable[str]:
    """Where a client offers other tools than the request of the exchange: not every one can."""
    offered, wanted = row.came.held.get("tools"), set(one.strict or ())
    if offered is None:
        return
    strict = {name for name, is_strict in offered.items() if is_strict}
    if missing := [name for name in one.tools if name not in offered]:
        yield f"asked without {'tools' if not offered else 'the tools ' + visible(', '.join(missing), 160)}"
    elif strict != wanted:
        told = f"{visible(', '.join(sorted(strict)), 160) or 'no tool'} is"
        yield f"{told} strict: it cannot offer them as the request does"


def _place(parting: Parting) -> str:
    at = "" if parting.at is None else f" from character {parting.at} on"
    event = "" if parting.event is None else f" (event {parting.event})"
    here, ideal = (f"'{visible(one, 60)}'" if one else "nothing" for one in (parting.here, parting.ideal))
    return f"{parting.what}{at}{event}: {here} for {ideal}"


def summary(found: Sequence[TriedExchange], asked: int) -> str:
    """How many readings were right, before and after repair."""
    rows = [(row, bool(one.errors)) for one in found for row in one.rows if row.came.outcome is not None]
    right, noticed = _right((row.came, broken) for row, broken in rows)
    after, noticed_after = _right((row.repaired or row.came, broken) for row, broken in rows)
    who = f"{asked} client{'s' * (asked != 1)}, {len(found)} exchange{'s' * (len(found) != 1)}"
    return f"{who}: {right} of {len(rows)} right as they came{noticed}, {after} repaired{noticed_after}"


def _right(readings: Iterable[tuple[Reaction, bool]]) -> tuple[int, str]:
    """How many clients did well, and in words how many of them because they noticed that the stream is broken."""
    good = [one for one, broken in readings if is_good(one, broken)]
    noticed = sum((one.outcome or "").startswith(_NOTICED) for one in good)
    return len(good), f" ({noticed} of them noticed that it is broken)" * bool(noticed)


def is_good(reaction: Reaction, broken: bool) -> bool:
    """Whether a client did well: it holds what was meant; or, where that is not to be had (``broken``), raises
    an error, says that it was interrupted, or asks again."""
    told = reaction.outcome or ""
    return told == "right" or told.startswith("own:") or (broken and told.startswith(_NOTICED))


def all_right(found: Sequence[TriedExchange]) -> bool:
    """Whether every client did well on every exchange, as it came."""
    return all(is_good(row.came, bool(one.errors)) for one in found for row in one.rows if row.came.outcome is not None)


def tried_json(found: Sequence[TriedExchange]) -> dict[str, Any]:
    """The same for machines."""
    return {
        "format": "streamlab.clients/1",
        "version": __version__,
        "exchanges": [
            {
                "name": one.name,
                "api": str(one.report.api),
                "findings": sorted({finding.rule for finding in one.report.findings}),
                "errors_left": list(one.errors),
                "tools": {name: None if one.strict is None else name in one.strict for name in one.tools},
                "clients": [_row_json(row) for row in one.rows],
            }
            for one in found
        ],
    }


def _row_json(row: ClientRow) -> dict[str, Any]:
    return {
        "client": row.setup.id,
        "name": row.setup.name,
        "version": row.version,
        "came": _reaction_json(row.came),
        "repaired": None if row.repaired is None else _reaction_json(row.repaired),
    }


def _reaction_json(reaction: Reaction) -> dict[str, Any]:
    apart = reaction.parting
    return {
        "outcome": reaction.outcome,
        "requests": reaction.requests,
        "parting": None if apart is None else apart._asdict(),
        "held": {name: value for name, value in reaction.held.items() if name not in ("client", "version", "id")},
    }


def print_setups(console: HarmlessConsole, listed: Iterable[tuple[ClientSetup, str | None, bool]]) -> None:
    """What can be asked: id, name, the locked version, and whether it is installed."""
    table = plain_table()
    for title in ("client", "name and package", "APIs", "installed"):
        table.add_column(title, overflow="fold", no_wrap=title in ("client", "APIs"))  # names to copy are never cut
    for setup, version, installed in listed:
        name = f"{setup.id} *" if setup.usual else setup.id
        package = Text(f"{setup.package} {version or ''}".strip(), style="dim")
        about = Text("\n").join([Text(setup.name), package])
        table.add_row(name, about, "\n".join(setup.apis), "yes" if installed else "")
    console.print(table)
    console.print(Text("* asked where no --client is given, beside those that are installed", style="dim"))


def setups_json(listed: Iterable[tuple[ClientSetup, str | None, bool]]) -> dict[str, Any]:
    """The same for machines."""
    return {
        "format": "streamlab.client-setups/1",
        "version": __version__,
        "clients": [
            {
                "id": setup.id,
                "name": setup.name,
                "package": setup.package,
                "language": setup.language,
                "version": version,
                "apis": list(setup.apis),
                "usual": setup.usual,
                "installed": installed,
                "what": setup.what,
            }
            for setup, version, installed in listed
        ],
    }


class Remeasured(Protocol):
    """A run of measurements."""

    @property
    def results(self) -> Sequence[Path]: ...
    @property
    def answers(self) -> int: ...
    @property
    def changes(self) -> Sequence[ChangedCell]: ...
    @property
    def versions(self) -> Mapping[str, tuple[str | None, str]]: ...


class ChangedCell(Protocol):
    """What a client does otherwise than before."""

    @property
    def client(self) -> str: ...
    @property
    def stream(self) -> str: ...
    @property
    def before(self) -> str: ...
    @property
    def after(self) -> str: ...


def print_measured(console: HarmlessConsole, found: Remeasured) -> None:
    """What changed since each client was measured last."""
    for client, (before, now) in found.versions.items():
        console.print(Text(f"{client}: {visible(now, 80)} (before: {before or 'never measured'})", style="dim"))
    for change in found.changes:
        console.hanging(
            Text(f"{change.client} on {change.stream}: {visible(change.before, 80)} → {visible(change.after, 80)}"),
            0,
            2,
        )
    files = ", ".join(path.name for path in found.results)
    console.print(Text(f"{found.answers} answers, {len(found.changes)} unlike the last; {files}", style="bold"))


def measured_json(found: Remeasured) -> dict[str, Any]:
    """The same for machines."""
    return {
        "format": "streamlab.clients-measured/1",
        "version": __version__,
        "results": [str(path) for path in found.results],
        "answers": found.answers,
        "versions": {client: {"before": before, "now": now} for client, (before, now) in found.versions.items()},
        "changes": [
            {"client": one.client, "stream": one.stream, "before": one.before, "after": one.after}
            for one in found.changes
        ],
    }
