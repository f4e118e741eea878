"""`streamlab diff`: each event beside what OpenAI would have sent, for people and for machines."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from streamlab.comparing.event_outcomes import EventDiff, EventOutcome, FieldDiff, How, Output
from streamlab.judging.report import Report
from streamlab.report.documents import Streamed
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.json import break_json
from streamlab.report.text import breaking_lines, print_verdict, value
from streamlab.rules.finding import Finding
from streamlab.wire.visible import visible

SIGNS = {
    How.SAME: ("=", "dim"),
    How.CHANGED: ("~", "yellow"),
    How.ADDED: ("+", "green"),
    How.DROPPED: ("-", "red"),
    How.BROKEN: ("!", "bold red"),
}
_HEADS = {
    EventOutcome.KEPT: "passes as it came",
    EventOutcome.CHANGED: "{vendor} would have sent it differently",
    EventOutcome.SPLIT: "{vendor} would have sent several events",
    EventOutcome.MERGED: "goes out with event",
    EventOutcome.DROPPED: "{vendor} would not have sent it",
    EventOutcome.ADDED: "an event is missing here",
}
#: Characters of a member's path, at least and at most, and of a value.
_PATH, _LONG_PATH, _VALUE = 16, 60, 44


def field_json(field: FieldDiff) -> dict[str, Any]:
    """One member as a JSON object."""
    return {
        "path": field.path,
        "how": str(field.how),
        "here": field.here,
        "sent": field.there,
        "openai": field.there,  # the name it had when there was one API
        "origin": str(field.origin),
        "rule": field.rule,
        "reason": field.why or None,
    }


def _output_json(output: Output) -> dict[str, Any]:
    try:
        raw: dict[str, Any] = {"text": output.raw.decode("utf-8")}
    except UnicodeDecodeError:
        raw = {"base64": base64.b64encode(output.raw).decode("ascii")}
    return {"origin": str(output.origin), **raw, "fields": [field_json(field) for field in output.fields]}


class Deviations(NamedTuple):
    """What an exchange shows of its deviations: of each rule the variants, () where it shows none of them, and the
    name of the API that its clients speak, and whether a tool is strict."""

    variants: Mapping[str, tuple[str, ...]]
    api: str
    strict: bool | None


def _deviations(findings: Iterable[Finding]) -> Deviations:
    found: dict[str, tuple[str, ...]] = {}
    api, strict = "", None
    for one in findings:
        found[one.rule] = (*found.get(one.rule, ()), *one.variants)
        api, strict = one.api, one.strict
    return Deviations(found, api, strict)


def event_json(diff: EventDiff, of: Deviations) -> dict[str, Any]:
    """One event as a JSON object."""
    from streamlab.clients.table import breaks

    return {
        "event": diff.event,
        "outcome": str(diff.outcome),
        "into": diff.into,
        "outputs": [_output_json(output) for output in diff.outputs],
        "unmended": [field_json(field) for field in diff.broken],
        "rules": list(diff.rules),
        "breaks": [
            break_json(one) for rule in diff.rules for one in breaks(rule, of.variants.get(rule), of.api, of.strict)
        ],
    }


def exchange_json(source: str, exchange_id: int | None, report: Report, diffs: Iterable[EventDiff]) -> dict[str, Any]:
    """One exchange as a JSON object; only the events that differ are in it, `Streamed`."""
    of = _deviations(report.findings)
    return {
        "source": source,
        "id": exchange_id,
        "api": str(report.api),
        "dialect": report.dialect,
        "events": report.metrics.events,
        "different": Streamed(event_json(diff, of) for diff in diffs),
        "whole": [
            {"rule": one.rule, "severity": str(one.severity), "reason": one.message}
            for one in report.findings
            if one.event is None
        ],
    }


def print_diff(console: HarmlessConsole, report: Report, diffs: Iterable[EventDiff]) -> None:
    """The events that differ, member by member, the reasons below; events that differ alike are shown once."""
    of = _deviations(report.findings)
    shown: set[str] = set()
    none = True
    for first, last, diff in runs(diffs):
        none = False
        shown.update(diff.rules)  # those of its neighbours are the same
        title = title_of(first, last, diff).format(vendor=report.api.vendor or "OpenAI")
        console.hanging(Text(title, style="bold"), 0, 2)
        for line in _lines(diff, of):
            console.hanging(line, 0, 6)
    for finding in report.findings:
        if finding.event is None and finding.rule not in shown:
            said = Text.assemble(("! ", "bold red"), (finding.rule, "bold"), f"  {visible(finding.message, 400)}")
            console.hanging(said, 0, 4)
    if none and not report.findings:
        print_verdict(console, report, 2)


def runs(diffs: Iterable[EventDiff]) -> Iterator[tuple[int, int, EventDiff]]:
    """Neighbours that differ in the same members for the same rules, as one."""
    first: EventDiff | None = None
    last, outline = 0, None
    for diff in diffs:
        here = _outline(diff)
        if first is None or diff.event != last + 1 or here != outline:
            if first is not None:
                yield first.event, last, first
            first, outline = diff, here
        last = diff.event
    if first is not None:
        yield first.event, last, first


def _outline(diff: EventDiff) -> tuple[Any, ...]:
    fields = [field for output in diff.outputs for field in output.fields if field.how is not How.SAME]
    return diff.outcome, tuple((field.path, field.how, field.rule) for field in (*fields, *diff.broken))


def title_of(first: int, last: int, diff: EventDiff) -> str:
    if diff.outcome is EventOutcome.ADDED:
        return f"after event {first}: {_HEADS[diff.outcome]}" if first >= 0 else f"at the start: {_HEADS[diff.outcome]}"
    which = f"event {first}" if first == last else f"events {first} to {last}"
    into = f" {diff.into}" if diff.into is not None else ""
    return f"{which}: {_HEADS[diff.outcome]}{into}" + ("" if first == last else f"; event {first} as an example")


def _lines(diff: EventDiff, of: Deviations) -> Iterator[Text]:
    for number, output in enumerate(diff.outputs, start=1):
        if len(diff.outputs) > 1:
            yield Text(f"  event {number} of {len(diff.outputs)} ({output.origin})", "dim")
        yield from _fields([field for field in output.fields if field.how is not How.SAME])
    yield from _fields(diff.broken)
    yield from _reasons(diff, of)
    yield Text()


def _fields(fields: Sequence[FieldDiff]) -> Iterator[Text]:
    paths = [_path(field.path) for field in fields]
    wide = max((_PATH, *map(len, paths)))
    for field, path in zip(fields, paths, strict=True):
        yield _field(field, f"{path:<{wide}}  ")


def _path(path: str) -> str:
    """A path ends in what tells it from others, so the beginning of a long one goes."""
    shown = visible(path)
    return shown if len(shown) <= _LONG_PATH else f"…{shown[1 - _LONG_PATH :]}"


def _field(field: FieldDiff, path: str) -> Text:
    sign, style = SIGNS[field.how]
    line = Text.assemble((f"  {sign} ", style), path)
    if field.has_here:
        line.append(value(field.here, _VALUE), "red")
    if field.has_there:
        line.append(" → " if field.has_here else "→ " if field.told else "", "dim")
        line.append(value(field.there, _VALUE), "green")
    if field.origin != "copied" and field.how in (How.ADDED, How.CHANGED) and not field.told:
        line.append(f"  {field.origin}", "dim italic")
    return line


def _reasons(diff: EventDiff, of: Deviations) -> Iterator[Text]:
    fields = [field for output in diff.outputs for field in output.fields] + list(diff.broken)
    said: dict[str, str] = {}
    for field in fields:
        if field.rule and field.how is not How.SAME:
            said[field.rule] = said.get(field.rule) or field.why
    for rule, why in said.items():
        yield Text.assemble(("    ", ""), (rule, "bold"), f"  {visible(why, 300)}")
        for line in breaking_lines(rule, of.variants.get(rule), of.api, of.strict)[:1]:
            yield Text.assemble(("      breaks: ", "dim"), line)
