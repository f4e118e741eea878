"""What a probe found: a table for people, JSON (``streamlab.probe/1``) and JUnit for machines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamlab import __version__
from streamlab.comparing.features import Feature, ModeOutcome, State
from streamlab.report.json import finding_json
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

_STYLES = {State.PASS: "green", State.DEVIATES: "bold red", State.UNSUPPORTED: "yellow", State.NOT_TESTED: "dim"}
_MARKS = {State.PASS: "✓", State.DEVIATES: "✗", State.UNSUPPORTED: "–", State.NOT_TESTED: "?"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = "streamlab probe"


def print_probe(
    console: Console,
    base_url: str,
    model: str,
    features: Sequence[Feature],
    notes: Sequence[str],
    stopped: str | None,
    db: Path,
) -> None:
    """A row for each feature, the proof of what deviates below, and where to look further."""
    console.print(Text(f"{visible(base_url)}  model {visible(model, 80)}", style="bold"))
    blamed = any(feature.blame for feature in features)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("feature", "result", "streamed", "whole", "both modes", *(["whose fault"] if blamed else [])):
        table.add_column(heading, overflow="fold")
    for feature in features:
        cells = [
            Text(feature.question.feature),
            Text(f"{_MARKS[feature.state]} {feature.state}", style=_STYLES[feature.state]),
            _mode_cell(feature.streamed),
            _mode_cell(feature.whole),
            _parity_cell(feature),
        ]
        table.add_row(*cells, *([Text(feature.blame)] if blamed else []))
    console.print(table)
    for note in notes:
        console.print(Text(f"note: {visible(note, 300)}", style="dim"))
    if stopped is not None:
        console.print(Text(f"stopped: {visible(stopped, 300)}", style="bold red"))
    console.print(summary_line(features))
    _print_proof(console, features, db)


def summary_line(features: Sequence[Feature]) -> Text:
    """How many features are how."""
    counts = Counter(feature.state for feature in features)
    line = Text()
    for state in State:
        line.append(f"{counts[state]} {state}  ", style=_STYLES[state] if counts[state] else "dim")
    return line


def _mode_cell(outcome: ModeOutcome) -> Text:
    words = str(outcome.state) if not outcome.reason else outcome.reason
    return Text(visible(words, 160), style=_STYLES[outcome.state])


def _parity_cell(feature: Feature) -> Text:
    if feature.parity is None:
        return Text("–", style="dim")
    found = feature.parity_findings
    if found:
        return Text(", ".join(dict.fromkeys(finding.rule for finding in found)), style=_STYLES[State.DEVIATES])
    for note in feature.parity.notes:
        words = "errors alike" if "errors" in note else "–" if note.startswith("not compared") else "alike in form"
        return Text(words, style="dim")
    return Text("alike", style="green")


def _print_proof(console: Console, features: Sequence[Feature], db: Path) -> None:
    """The first place of every rule that spoke, once."""
    said: set[str] = set()
    for feature in features:
        for mode, outcome in (("streamed", feature.streamed), ("whole", feature.whole)):
            for finding in outcome.findings:
                if finding.rule not in said:
                    said.add(finding.rule)
                    where = f"{feature.question.name}, {mode}, exchange {outcome.id}"
                    _print_finding(console, str(finding.severity), finding.rule, finding.message, where)
        for finding in feature.parity_findings:
            if finding.rule in said:
                continue
            said.add(finding.rule)
            where = f"{feature.question.name}, exchanges {feature.streamed.id} and {feature.whole.id}"
            _print_finding(console, str(finding.severity), finding.rule, finding.message, where)
    if said:
        console.print(Text(f"streamlab show ID --db {db} shows an exchange in full", style="dim"), soft_wrap=True)


def _print_finding(console: Console, severity: str, rule: str, message: str, where: str) -> None:
    line = Text(f"{severity:<8}")
    line.append(rule, style="bold")
    line.append(f"  {visible(message, 240)}")
    line.append(f"  ({where})", style="dim")
    console.print(line, soft_wrap=True)


# -- for machines ------------------------------------------------------------------------------------------------------


def probe_json(
    base_url: str,
    model: str,
    features: Sequence[Feature],
    direct_url: str | None,
    direct: Sequence[Feature],
    notes: Sequence[str],
    stopped: str | None,
) -> dict[str, Any]:
    """The whole result."""
    counts = Counter(str(feature.state) for feature in features)
    return {
        "format": "streamlab.probe/1",
        "version": __version__,
        "base_url": base_url,
        "model": model,
        "features": [_feature_json(feature) for feature in features],
        "direct": None
        if direct_url is None
        else {"base_url": direct_url, "features": [_feature_json(feature) for feature in direct]},
        "notes": list(notes),
        "stopped": stopped,
        "summary": {str(state): counts[str(state)] for state in State},
    }


def _feature_json(feature: Feature) -> dict[str, Any]:
    parity = feature.parity
    return {
        "name": feature.question.name,
        "feature": feature.question.feature,
        "state": str(feature.state),
        "streamed": _mode_json(feature.streamed),
        "whole": _mode_json(feature.whole),
        "parity": None
        if parity is None
        else {
            "deterministic": parity.deterministic,
            "findings": [finding_json(one) for one in parity.findings],
            "notes": list(parity.notes),
        },
        "blame": feature.blame or None,
    }


def _mode_json(outcome: ModeOutcome) -> dict[str, Any]:
    return {
        "state": str(outcome.state),
        "reason": outcome.reason or None,
        "id": outcome.id,
        "findings": [finding_json(one) for one in outcome.findings],
    }


def junit_document(base_url: str, features: Sequence[Feature]) -> Iterator[str]:
    """A test case for each feature: what deviates fails, what is unsupported or was not tested is skipped."""
    counts = Counter(feature.state for feature in features)
    skipped = counts[State.UNSUPPORTED] + counts[State.NOT_TESTED]
    numbers = f'tests="{len(features)}" failures="{counts[State.DEVIATES]}" skipped="{skipped}" errors="0"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{_NAME}">\n'
    yield f" <testsuite name={_attribute(base_url)} {numbers}>\n"
    for feature in features:
        yield from _case(feature)
    yield " </testsuite>\n</testsuites>\n"


def _case(feature: Feature) -> Iterator[str]:
    reasons = [f"{name}: {one.reason}" for name, one in _modes(feature) if one.reason]
    reasons += [f"both modes: {finding.rule}: {finding.message}" for finding in feature.parity_findings]
    reasons += [feature.blame] if feature.blame else []
    head = f'  <testcase classname="{_NAME}" name={_attribute(feature.question.feature)}'
    if feature.state is State.PASS:
        yield f"{head}/>\n"
        return
    tag = "failure" if feature.state is State.DEVIATES else "skipped"
    words = "; ".join(reasons) or str(feature.state)
    proof = "\n".join(f"{one.rule}: {one.message}" for _, mode in _modes(feature) for one in mode.findings)
    yield f"{head}><{tag} message={_attribute(words)}>{escape(_clean(proof))}</{tag}></testcase>\n"


def _modes(feature: Feature) -> tuple[tuple[str, ModeOutcome], tuple[str, ModeOutcome]]:
    return ("streamed", feature.streamed), ("whole", feature.whole)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))
