"""What a probe found: a table for people, JSON (``streamlab.probe/1``) and JUnit for machines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from rich.cells import cell_len
from rich.text import Text

from streamlab import __version__
from streamlab.comparing.features import Feature, ModeOutcome, Support
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.json import finding_json
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

_STYLES = {
    Support.PASS: "green",
    Support.DEVIATES: "bold red",
    Support.UNSUPPORTED: "yellow",
    Support.NOT_TESTED: "dim",
}
_MARKS = {
    Support.PASS: "✓",
    Support.DEVIATES: "✗",
    Support.UNSUPPORTED: "–",
    Support.NOT_TESTED: "?",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = "streamlab probe"
_MODES = ("streamed", "whole")
_STATE_CELLS = 13


def print_probe(
    console: HarmlessConsole,
    base_url: str,
    model: str,
    features: Sequence[Feature],
    notes: Sequence[str],
    stopped: str | None,
    db: Path,
) -> None:
    """What every answer has, once; a row for each feature and its own; the proof, and where to look further."""
    console.hanging(Text(f"{visible(base_url)}  model {visible(model, 80)}", style="bold"), 0, 2)
    usual = {mode: _usual([getattr(feature, mode) for feature in features]) for mode in _MODES}
    for mode, found in usual.items():
        if found.rules:
            how = "every" if found.seen == found.answers else f"nearly every ({found.seen} of {found.answers})"
            console.hanging(
                Text(f"{how} {mode} answer: {', '.join(found.rules)}", style=_STYLES[Support.DEVIATES]), 2, 4
            )
    own = [list(_own_words(feature, usual)) for feature in features]
    often = _often(own)
    for line, count in often.items():
        how = "every feature" if count == len(own) else f"nearly every feature ({count} of {len(own)})"
        console.hanging(Text(f"{how}, {line}"), 2, 4)
    wide = max((cell_len(feature.question.feature) for feature in features), default=0)
    _print_row(console, wide, [Text("feature"), Text("streamed"), Text("whole"), Text("both modes")], "bold")
    for feature, lines in zip(features, own, strict=True):
        states = [_state(feature.streamed.state), _state(feature.whole.state), _parity_cell(feature)]
        _print_row(console, wide, [Text(feature.question.feature), *states])
        for line in lines:
            if line in often:
                continue
            console.hanging(Text(line, style="dim" if feature.state is Support.PASS else ""), 4, 6)
    for note in notes:
        console.hanging(Text(f"note: {visible(note, 300)}", style="dim"), 0, 2)
    if stopped is not None:
        console.hanging(Text(f"stopped: {visible(stopped, 300)}", style="bold red"), 0, 2)
    console.print(summary_line(features))
    _print_proof(console, features, db)


class _Usual(NamedTuple):
    """Rules that speak of nearly every answer of a mode: in ``seen`` of ``answers`` or more."""

    rules: tuple[str, ...]
    seen: int
    answers: int


def _usual(outcomes: Sequence[ModeOutcome]) -> _Usual:
    answers = [one for one in outcomes if one.said is not None or one.findings]
    counts = Counter(rule for one in answers for rule in dict.fromkeys(one.rules))
    rules = tuple(rule for rule, count in counts.items() if len(answers) >= 3 and 4 * count >= 3 * len(answers))
    return _Usual(rules, min((counts[rule] for rule in rules), default=0), len(answers))


def _often(lines: Sequence[Sequence[str]]) -> dict[str, int]:
    """What would stand at nearly every feature, and at how many."""
    counts = Counter(line for some in lines for line in some)
    return {line: count for line, count in counts.items() if count >= 3 and 4 * count >= 3 * len(lines)}


def _print_row(console: HarmlessConsole, wide: int, cells: Sequence[Text], style: str = "") -> None:
    line = Text(style=style)
    for cell, width in zip(cells, (wide, _STATE_CELLS, _STATE_CELLS, 0), strict=True):
        line.append_text(cell)
        line.append(" " * max(0, width - cell.cell_len + 2))
    line.rstrip()
    console.hanging(line, 0, wide + 2 * _STATE_CELLS + 6)


def _state(state: Support) -> Text:
    return Text(f"{_MARKS[state]} {state}", style=_STYLES[state])


def _own_words(feature: Feature, usual: Mapping[str, _Usual]) -> Iterator[str]:
    """What is wrong with this feature beyond what is wrong with nearly all, a line for each mode."""
    said = {}
    for mode, outcome in _modes(feature):
        own = [rule for rule in dict.fromkeys(outcome.rules) if rule not in usual[mode].rules]
        named = outcome.reason == ", ".join(dict.fromkeys(outcome.rules))
        words = ", ".join(own) if named else visible(outcome.reason, 160)
        if words:
            said[mode] = words
    if len(set(said.values())) == 1 and len(said) == 2:
        said = {"both": said["streamed"]}
    yield from (f"{mode}: {words}" for mode, words in said.items())
    if feature.blame:
        yield feature.blame


def summary_line(features: Sequence[Feature]) -> Text:
    """How many features are how."""
    counts = Counter(feature.state for feature in features)
    line = Text()
    for state in Support:
        line.append(f"{counts[state]} {state}  ", style=_STYLES[state] if counts[state] else "dim")
    return line


def _parity_cell(feature: Feature) -> Text:
    if feature.parity is None:
        return Text("–", style="dim")
    found = feature.parity_findings
    if found:
        return Text(", ".join(dict.fromkeys(finding.rule for finding in found)), style=_STYLES[Support.DEVIATES])
    for note in feature.parity.notes:
        words = "errors alike" if "errors" in note else "–" if note.startswith("not compared") else "alike in form"
        return Text(words, style="dim")
    return Text("alike", style="green")


def _print_proof(console: HarmlessConsole, features: Sequence[Feature], db: Path) -> None:
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
        console.whole(Text(f"streamlab show ID --db {visible(str(db))} shows an exchange in full", style="dim"))


def _print_finding(console: HarmlessConsole, severity: str, rule: str, message: str, where: str) -> None:
    line = Text(f"{severity:<8}")
    line.append(rule, style="bold")
    line.append(f"  {visible(message, 240)}")
    line.append(f"  ({where})", style="dim")
    console.hanging(line, 0, 8)


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
        "summary": {str(state): counts[str(state)] for state in Support},
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
        "changed": feature.changed or None,
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
    skipped = counts[Support.UNSUPPORTED] + counts[Support.NOT_TESTED]
    numbers = f'tests="{len(features)}" failures="{counts[Support.DEVIATES]}" skipped="{skipped}" errors="0"'
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
    if feature.state is Support.PASS:
        yield f"{head}/>\n"
        return
    tag = "failure" if feature.state is Support.DEVIATES else "skipped"
    words = "; ".join(reasons) or str(feature.state)
    proof = "\n".join(f"{one.rule}: {one.message}" for _, mode in _modes(feature) for one in mode.findings)
    yield f"{head}><{tag} message={_attribute(words)}>{escape(_clean(proof))}</{tag}></testcase>\n"


def _modes(feature: Feature) -> tuple[tuple[str, ModeOutcome], tuple[str, ModeOutcome]]:
    return ("streamed", feature.streamed), ("whole", feature.whole)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))
