"""SARIF 2.1.0: findings where code hosts show them. Results are streamed, so a long check stays in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from streamlab import __version__
from streamlab.about import REPOSITORY, page
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.report.documents import dump
from streamlab.report.json import Summary
from streamlab.report.places import FindingPlaces
from streamlab.report.rule_text import explanation
from streamlab.rules.base import Rule
from streamlab.rules.finding import Finding, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NUMBER = re.compile(r"\[\d+\]")
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def rule_json(rule: type[Rule]) -> dict[str, Any]:
    """A rule as a SARIF reportingDescriptor."""
    first, _, rest = explanation(rule).partition("\n")
    help_text = "\n".join(line.strip() for line in rest.strip().splitlines()) or first
    return {
        "id": rule.name,
        "name": rule.__name__,
        "shortDescription": {"text": first},
        "fullDescription": {"text": first},
        "helpUri": page(f"docs/rules/{rule.name}.md"),
        "help": {"text": help_text, "markdown": help_text},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"source": str(rule.source), "repair": str(rule.repairability)},
    }


def result_json(places: FindingPlaces, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    """One finding as a SARIF result. The region is a line, which code hosts insist on, and the byte range of the body
    where the file is the body."""
    region: dict[str, Any] = {"startLine": places.line(finding)}
    if finding.span is not None and places.is_body:
        region |= {"byteOffset": finding.span[0], "byteLength": finding.span[1] - finding.span[0]}
    uri = quote(places.file.replace("\\", "/"), safe="/.-_~", errors="replace")
    physical = {"artifactLocation": {"uri": uri}, "region": region}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": physical}],
        "occurrenceCount": finding.count,
        "partialFingerprints": {"streamlabFinding/1": fingerprint(places, finding)},
        "properties": {"event": finding.event, "path": finding.path, "repair": str(finding.repairability)},
    }
    if places.exchange:
        result["properties"]["exchange"] = places.exchange
    if finding.known:
        result["properties"]["known"] = True
    return result


def recovered_json(places: FindingPlaces, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    """A finding about an event that is there once the framing is repaired: a note, since no client reads it yet."""
    told = f"after repair: {finding.message} ({finding.severity})"
    result = result_json(places, changed(finding, message=told, severity=Severity.INFO), index)
    result["properties"]["afterRepair"] = True
    return result


def fingerprint(places: FindingPlaces, finding: Finding) -> str:
    """The same for the same deviation of the same exchange, whatever else in the stream changed: rule and member, with
    numbers of choices and calls left out, and the exchange."""
    member = _NUMBER.sub("[]", finding.path or "")
    told = "\n".join((finding.rule, member, places.file.replace("\\", "/"), places.exchange))
    return sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


def sarif_document(
    reports: Iterable[tuple[str, int | None, Report]], summary: Summary, rules: tuple[type[Rule], ...]
) -> Iterator[str]:
    """The whole log in pieces."""
    driver = {
        "name": "streamlab",
        "version": __version__,
        "informationUri": REPOSITORY,
        "rules": [rule_json(rule) for rule in rules],
    }
    index = {rule.name: position for position, rule in enumerate(rules)}
    yield f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{"tool": {{"driver": {dump(driver)}}},\n'
    yield ' "columnKind": "utf16CodeUnits", "results": ['
    separator = "\n  "
    for source, _, report in reports:
        summary.add(report)
        places = FindingPlaces(source)
        for finding in worst_first(report.findings):
            yield separator + dump(result_json(places, finding, index))
            separator = ",\n  "
        for finding in worst_first(report.recovered):
            yield separator + dump(recovered_json(places, finding, index))
            separator = ",\n  "
    yield "]}]}\n"
