"""Writes streamlab/clients/measured.toml from what clients did (results/) on streams that show a rule (cases.toml), and
with it what commands read of it (tables.jsonl).

    python tools/clients/measured.py            # rewrites the file
    python tools/clients/measured.py --check    # exit code 1 when it is not what the results say

Where several results tell of one client on one stream, the latest counts.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import client_tables  # noqa: E402
from streams import sends_usage  # noqa: E402
from told import GRAVITY, Did, outcome  # noqa: E402

from streamlab.apis.registry import by_name  # noqa: E402
from streamlab.clients.setups import ClientSetup, setups  # noqa: E402

TARGET = HERE.parents[1] / "streamlab" / "clients" / "measured.toml"
HEADER = """\
# Which client does what on which deviation, as measured.
# Written by `python tools/clients/measured.py` from tools/clients/results; never by hand.
#
# [clients.ID]      a client set-up as it was measured last; no version: it was not written down
# [[RULE.asked]]    a form of the rule's deviation that `clients` of them were asked, as each of `streams`;
#                   apart: findings tell it from others; api: where they were asked in another than chat
# [[RULE.breaks]]   what some of them did: on these forms (on any, where none is named), seen on the streams of
#                   `source`, on this date, in these versions. `harm`: hangs, raises, silent-loss, wrong;
#                   strict: only where a tool of the request is strict (true), or where none is (false)

api = "chat.completions"
"""
CHAT = "chat.completions"
_VERBS = ("waits", "raises", "throws", "reports", "stops", "says", "takes", "does", "holds", "loses", "ends")


class Run(NamedTuple):
    """One file of results; not ``strict`` where clients that are given strict tools else were given others."""

    date: str
    clients: dict[str, dict[str, str]]
    streams: dict[str, dict[str, Any]]
    strict: bool = True


class Form(NamedTuple):
    """One form of a rule's deviation: the streams that show it, and what each client did that minded.

    ``first`` are phrases that stand before others where as many clients do the one as the other. ``loose_date`` is when
    those were asked who were given tools that are not strict.
    """

    name: str
    streams: tuple[str, ...]
    asked: int
    date: str
    did: dict[str, tuple[Did, ...]]
    versions: dict[str, str]
    first: tuple[str, ...] = ()
    api: str = CHAT
    loose_date: str = ""


class Group(NamedTuple):
    """Clients that do the same on the same forms, their versions, and where that was seen."""

    did: Did
    forms: tuple[str, ...]
    source: tuple[str, ...]
    date: str
    clients: dict[str, str]


def runs() -> list[Run]:
    """All results, the oldest first; those of a day as they are numbered."""
    found = []
    for path in sorted((HERE / "results").glob("*.json"), key=_number):
        data = json.loads(path.read_text(encoding="utf-8"))
        if "streams" in data:
            clients = {name: _client(one, setups().get(name)) for name, one in data["clients"].items()}
            found.append(Run(data["measured"], clients, data["streams"], data.get("strict", True)))
    return sorted(found, key=lambda run: run.date)


def _number(path: Path) -> int:
    """Which of its day's: 1 for ``2026-11-30.json``, 12 for ``2026-11-30-12.json``."""
    return int(path.stem.rpartition("-")[2]) if path.stem.count("-") == 3 and path.stem[:2] == "20" else 1


def _client(measured: dict[str, str], setup: ClientSetup | None) -> dict[str, str]:
    if setup is None:
        return {field: measured[field] for field in ("package", "version", "name")}
    [version] = re.findall(rf"(?:^|, ){re.escape(setup.package)} ([\w.+-]+)", measured["version"])
    return {"package": setup.package, "version": version, "name": setup.name}


def forms(cases: Iterable[dict[str, Any]], measured: list[Run]) -> Iterator[Form]:
    """The forms of one rule, as its cases list them.

    Where nothing but an estimate of the client's own can be held as usage, another one is no harm.
    """
    for case in cases:
        streams = tuple(case["streams"])
        read = [Read(stream, measured) for stream in streams]
        if not any(one.dates for one in read):
            raise ValueError(f"nobody was asked about {', '.join(streams)}")
        others = [Read(stream, measured, strict=False) for stream in streams]
        yield Form(
            case.get("form", ""),
            streams,
            max(one.asked for one in read),
            max(date for one in read for date in one.dates),
            _did(case, read, others),
            {client: version for one in reversed(read) for client, version in one.versions.items()},
            tuple(case.get("first", ())),
            next((one.api for one in read if one.dates), CHAT),
            max((date for one in others for date in one.dates), default=""),
        )


def _did(case: dict[str, Any], read: list[Read], others: list[Read]) -> dict[str, tuple[Did, ...]]:
    """What each client did that minded; two things where ``others`` tell another for tools that are not strict."""
    strict, loose = _minded(case, read), _minded(case, others)
    asked = {client for one in others for client in one.versions}
    did: dict[str, tuple[Did, ...]] = {}
    for client in dict.fromkeys((*strict, *loose)):
        both = strict.get(client), loose.get(client)
        if client not in asked or both[0] == both[1]:
            did[client] = tuple(filter(None, both[:1]))
        else:
            told = zip((True, False), both, strict=True)
            did[client] = tuple(one._replace(strict=known) for known, one in told if one is not None)
    return did


def _minded(case: dict[str, Any], read: list[Read]) -> dict[str, Did]:
    """What each client did on the first of a case's streams that it minded."""
    did: dict[str, Did] = {}
    for stream, one in zip(case["streams"], read, strict=True):
        for client, text in one.outcomes.items():
            estimated = re.match("wrong:[a-z]*u", text) and not sends_usage(stream)
            ignored = case.get("ignored", "") + ("u" if estimated else "")
            found = outcome(text, ignored, whole=case.get("whole", False))
            apart = (*case.get("right", ()), *case.get("depends", ()))
            wanted = client in case.get("clients", (client,)) and client not in apart
            if wanted and found is not None and found.harm in case.get("harms", GRAVITY):
                did.setdefault(client, found)
    return did


class Read:
    """What all runs say of one stream: of each client, what it did when it was asked last.

    Not ``strict``: what those say in which clients that are given strict tools else were given others.
    """

    def __init__(self, stream: str, measured: list[Run], *, strict: bool = True) -> None:
        self.outcomes: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.dates: list[str] = []
        self.asked = 0
        self.api = CHAT
        for run in measured:
            if stream not in run.streams or run.strict is not strict:
                continue
            told = run.streams[stream]
            self.api = _api(told)
            known = sum(client in self.versions for client in run.clients)
            self.asked += max(0, _asked(told) - known)
            self.dates.append(run.date)
            for client, described in run.clients.items():
                self.versions[client] = described["version"]
                self.outcomes.pop(client, None)
                if client in told["outcomes"]:
                    self.outcomes[client] = told["outcomes"][client]


def _api(stream: dict[str, Any]) -> str:
    """The API in which clients were asked to read a stream; "chat" is what the first results called it."""
    return CHAT if stream.get("api", "chat") == "chat" else str(stream["api"])


def _asked(stream: dict[str, Any]) -> int:
    """How many clients read a stream: all but those that have no such API."""
    if "asked" in stream:
        return int(stream["asked"])
    return sum(count for verdict, count in stream["summary"].items() if verdict != "n/a")


def groups(found: list[Form], told_apart: bool, order: list[str]) -> list[Group]:
    """Who does the same on the same forms, in the order in which people read it; clients in this ``order``.

    Where the rule tells its forms apart (``told_apart``), a client is named for each form, and without any where it
    does the same on all. Where the rule cannot, a client is named once, for the gravest that it does.
    """
    rows = _each(found) if told_apart else _gravest(found)
    together: dict[tuple[tuple[int, ...], Did], list[str]] = {}
    for client in sorted(rows, key=order.index):
        for numbers, did in rows[client]:
            together.setdefault((numbers, did), []).append(client)
    first = [phrase for form in found for phrase in form.first]

    def reading_order(item: tuple[tuple[tuple[int, ...], Did], list[str]]) -> tuple[Any, ...]:
        """Whatever the form before what needs one; then by what happens, most clients first."""
        (numbers, did), names = item
        return numbers, _VERBS.index(did.how.partition(" ")[0]), -len(names), did.how not in first, did.how

    made = []
    for (numbers, did), names in sorted(together.items(), key=reading_order):
        named = tuple(found[number].name for number in numbers)
        seen = [form for form in found if any(did in form.did.get(name, ()) for name in names)]
        source = dict.fromkeys(stream for form in seen for stream in form.streams)
        date = max(form.loose_date if did.strict is False else form.date for form in seen)
        versions = {name: version for form in seen for name, version in form.versions.items()}
        of_each = {name: versions[name] for name in names}
        made.append(Group(did, tuple(filter(None, named)), tuple(source), date, of_each))
    return made


def _each(found: list[Form]) -> dict[str, list[tuple[tuple[int, ...], Did]]]:
    rows: dict[str, list[tuple[tuple[int, ...], Did]]] = {}
    for client in dict.fromkeys(client for form in found for client in form.did):
        by_did: dict[Did, list[int]] = {}
        for number, form in enumerate(found):
            for did in form.did.get(client, ()):
                by_did.setdefault(did, []).append(number)
        always = len(found) > 1
        rows[client] = [
            (() if always and len(numbers) == len(found) else tuple(numbers), did) for did, numbers in by_did.items()
        ]
    return rows


def _gravest(found: list[Form]) -> dict[str, list[tuple[tuple[int, ...], Did]]]:
    rows: dict[str, list[tuple[tuple[int, ...], Did]]] = {}
    for client in dict.fromkeys(client for form in found for client in form.did):
        told = [((number,), did) for number, form in enumerate(found) for did in form.did.get(client, ())]
        gravest = [
            min(fitting, key=lambda one: GRAVITY.index(one[1].harm))
            for strict in (True, False)
            if (fitting := [one for one in told if one[1].strict in (None, strict)])
        ]
        rows[client] = list(dict.fromkeys(gravest))
    return rows


def document() -> str:
    """The whole file."""
    measured = runs()
    rules = by_name()
    clients = {name: client for run in measured for name, client in run.clients.items()}  # the latest counts
    lines = [HEADER]
    for name, client in sorted(clients.items()):
        lines += [f"[clients.{_key(name)}]", *(f"{field} = {_text(value)}" for field, value in client.items())]
        lines += [*_field("apis", _apis_of(name, measured)), ""]
    for rule, cases in tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8")).items():
        found = list(forms(cases, measured))
        for api in dict.fromkeys(form.api for form in found):
            own = [form for form in found if form.api == api]
            lines += _asked_lines(rule, own, bool(rules[rule].variants))
            for group in groups(own, bool(rules[rule].variants), list(clients)):
                lines += [f"[[{rule}.breaks]]", *_api_field(api), *_field("forms", group.forms)]
                strict = group.did.strict
                lines += [f"strict = {str(strict).lower()}"] if strict is not None else []
                lines += [*_field("harm", group.did.harm), *_field("how", group.did.how)]
                lines += [*_field("source", group.source), *_field("date", group.date)]
                lines += [f"clients.{_key(name)} = {_text(version)}" for name, version in group.clients.items()]
                lines.append("")
    return "\n".join(lines)


def _asked_lines(rule: str, found: list[Form], told_apart: bool) -> list[str]:
    """The forms of a rule's deviation that clients of one API were asked."""
    lines = []
    for form in found:
        apart = ["apart = true"] if form.name and told_apart else []
        lines += [f"[[{rule}.asked]]", *_api_field(form.api), *_field("form", form.name), *apart]
        lines += [f"clients = {form.asked}", *_field("streams", form.streams), *_field("date", form.date), ""]
    return lines


def _apis_of(client: str, measured: list[Run]) -> tuple[str, ...]:
    """The APIs in which a client was asked; () where it is chat alone."""
    streams = {_api(stream) for run in measured if client in run.clients for stream in run.streams.values()}
    setup = setups().get(client)
    found = tuple(api for api in setup.apis if api in streams) if setup is not None else (CHAT,)
    return () if found == (CHAT,) else found


def _api_field(api: str) -> list[str]:
    return [] if api == CHAT else _field("api", api)


def _field(name: str, value: str | tuple[str, ...]) -> list[str]:
    """One line, or none for what is empty."""
    if not value:
        return []
    return [f"{name} = {_text(value) if isinstance(value, str) else '[' + ', '.join(map(_text, value)) + ']'}"]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own."""
    return json.dumps(value, ensure_ascii=False)


def write() -> None:
    """Write the table anew, and what commands read of it."""
    TARGET.write_text(document(), encoding="utf-8")
    client_tables.write()


def main() -> int:
    if "--check" in sys.argv[1:]:
        if TARGET.read_text(encoding="utf-8") != document():
            print("streamlab/clients/measured.toml is not what tools/clients/results say", file=sys.stderr)
            return 1
        return 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
