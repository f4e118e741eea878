"""Formats for machines: SARIF holds to its specification, JUnit is XML, annotations cannot be broken out of."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis import APIS, api_named
from streamlab.apis.registry import all_rules
from streamlab.judging.metrics import Metrics
from streamlab.judging.report import Report
from streamlab.report.formats import render
from streamlab.report.json import Summary
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.workflows.check import CheckOptions, check, find
from tests import rule_fixtures
from tests.examples import examples

# -- what SARIF 2.1.0 (OASIS) says of the members streamlab writes; no others are allowed -----------------------------


def _object(required: str, **members: Any) -> dict[str, Any]:
    closed = {"type": "object", "properties": members, "additionalProperties": False}
    return {**closed, "required": required.split()}


def _list(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


_TEXT, _BAG = {"type": "string"}, {"type": "object"}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_MESSAGE = _object("text", text=_TEXT, markdown=_TEXT)
_REGION = _object(
    "startLine",  # code hosts insist on it
    startLine={"type": "integer", "minimum": 1},
    byteOffset={"type": "integer", "minimum": -1},
    byteLength={"type": "integer", "minimum": 0},
)
_URI = {"type": "string", "format": "uri-reference", "pattern": r"^[A-Za-z0-9/._~%-]*$"}
_PLACE = _object("artifactLocation region", artifactLocation=_object("uri", uri=_URI), region=_REGION)
_RULE = _object(
    "id shortDescription fullDescription help",
    id=_TEXT,
    name=_TEXT,
    shortDescription=_MESSAGE,
    fullDescription=_MESSAGE,
    helpUri={"type": "string", "format": "uri", "pattern": r"^https://[^ ]+/docs/rules/[a-z0-9-]+\.md$"},
    help=_MESSAGE,
    defaultConfiguration=_object("level", level=_LEVEL),
    properties=_BAG,
)
_RESULT = _object(
    "message ruleId ruleIndex level locations",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    message=_MESSAGE,
    locations=_list(_object("physicalLocation", physicalLocation=_PLACE), minItems=1),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
    occurrenceCount={"type": "integer", "minimum": 1},
    properties=_BAG,
)
_DRIVER = _object("name rules", name=_TEXT, version=_TEXT, informationUri=_TEXT, rules=_list(_RULE, uniqueItems=True))
_RUN = _object(
    "tool results",
    tool=_object("driver", driver=_DRIVER),
    results=_list(_RESULT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
SARIF = _object("version runs", **{"$schema": _TEXT}, version={"const": "2.1.0"}, runs=_list(_RUN))

# -- reports -----------------------------------------------------------------------------------------------------------

_NASTY = st.text(
    alphabet=st.sampled_from(list("a%:,\r\n\x00\x1b\x9b\ud800\ufffe\u2028<&>\"']")) | st.characters(), max_size=12
)
_VALUES = st.none() | _NASTY | st.integers() | st.floats() | st.lists(_NASTY, max_size=2)
_FINDINGS = st.builds(
    Finding,
    st.sampled_from([rule.name for rule in all_rules()]),
    st.sampled_from(list(Severity)),
    _NASTY,
    event=st.none() | st.integers(0, 10**6),
    span=st.none() | st.tuples(st.integers(0, 100), st.integers(100, 200)),
    path=st.none() | _NASTY,
    expected=_VALUES,
    actual=_VALUES,
    repairability=st.sampled_from(list(Repairability)),
    known=st.booleans(),
    count=st.integers(1, 10**6),
)
_REPORTS = st.lists(
    st.tuples(
        _NASTY,
        st.none() | st.integers(1, 9),
        st.builds(
            Report,
            st.sampled_from(list(APIS)),
            st.lists(_FINDINGS, max_size=3).map(tuple),
            st.just(Metrics(1, 1, 1, 1)),
            st.just({}),
        ),
    ),
    max_size=3,
)


def rendered(form: str, reports: Any, fail_on: str = "warning") -> str:
    text = "".join(render(form, reports, Summary(), all_rules(), fail_on))
    text.encode()  # what cannot be written to a file is no document
    return text


def fixtures() -> list[tuple[str, int | None, Report]]:
    """The reports of all bad fixtures."""
    found = find(str(rule_fixtures.ROOT))
    return [(one.target.source, None, one.report) for one in check(found, CheckOptions()) if one.report is not None]


@pytest.fixture(scope="module")
def bad() -> list[tuple[str, int | None, Report]]:
    return fixtures()


def test_sarif_of_every_rule_is_valid(bad):
    document = json.loads(rendered("sarif", bad))
    jsonschema.validate(document, SARIF, format_checker=jsonschema.FormatChecker())
    run = document["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert {one["ruleId"] for one in run["results"]} == {rule.name for rule in all_rules()}


def test_sarif_points_at_the_line_and_the_bytes(bad):
    source, _, report = next(one for one in bad if one[0].endswith("chunk_id_changes/bad"))
    finding = report.findings[0]
    document = json.loads(rendered("sarif", [(source, None, report)]))
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    body = (Path(source) / "body.sse").read_bytes()
    region = place["region"]
    assert place["artifactLocation"]["uri"].endswith("chunk_id_changes/bad/body.sse")
    assert body[region["byteOffset"] :][: region["byteLength"]] == body[slice(*finding.span or ())]
    line = body.split(b"\n")[region["startLine"] - 1]
    assert line.startswith(b"data: ")
    assert body[slice(*finding.span or ())] in line


def test_a_fingerprint_is_that_of_the_deviation_and_its_exchange(bad):
    def prints(reports):
        results = json.loads(rendered("sarif", reports))["runs"][0]["results"]
        return [one["partialFingerprints"]["streamlabFinding/1"] for one in results]

    assert len(set(prints(bad))) == len(prints(bad)), "no two findings are taken for one"
    source, _, report = next(one for one in bad if one[0].endswith("chunk_id_changes/bad"))
    moved = replace(report, findings=tuple(replace(one, event=99, span=(1, 2)) for one in report.findings))
    assert prints([(source, None, moved)]) == prints([(source, None, report)])
    assert prints([("elsewhere.db#7", 7, report)]) != prints([("elsewhere.db#8", 8, report)])


@given(_REPORTS)
@settings(max_examples=examples(60), deadline=None)
def test_sarif_takes_any_text(reports):
    jsonschema.validate(json.loads(rendered("sarif", reports)), SARIF)


@given(_REPORTS, st.sampled_from(["error", "warning", "info", "never"]))
@settings(max_examples=examples(100), deadline=None)
def test_junit_is_xml_whatever_is_said(reports, fail_on):
    suites = ET.fromstring(rendered("junit", reports, fail_on))
    cases = suites.findall("testsuite/testcase")
    assert len(cases) == len(reports)
    order = ["error", "warning", "info"]
    grave = order[: order.index(fail_on) + 1] if fail_on in order else []
    for case, (_, _, report) in zip(cases, reports, strict=True):
        assert (case.find("failure") is not None) == any(str(one.severity) in grave for one in report.findings)


@given(_REPORTS)
@settings(max_examples=examples(100), deadline=None)
def test_annotations_are_one_line_a_finding_and_cannot_be_broken_out_of(reports):
    lines = rendered("github", reports).split("\n")
    assert lines.pop() == ""
    assert len(lines) == sum(len(report.findings) for _, _, report in reports)
    for line in lines:
        assert "\r" not in line
        command, _, message = line.removeprefix("::").partition("::")
        assert command.split(" ")[0] in ("error", "warning", "notice")
        assert "file=" in command
        assert ",title=" in command
        assert all(part[:2] in ("25", "0A", "0D") for part in message.split("%")[1:])


def test_annotations_name_the_file_and_the_line(bad):
    source, _, report = next(one for one in bad if one[0].endswith("chunk_id_changes/bad"))
    first = rendered("github", [(source, None, report)]).split("\n")[0]
    assert first.startswith("::error file=")
    assert "chunk_id_changes/bad/body.sse,line=3,title=chunk-id-changes (event 1)::" in first


@given(_REPORTS)
@settings(max_examples=examples(100), deadline=None)
def test_json_is_json_whatever_is_said(reports):
    document = json.loads(rendered("json", reports), parse_constant=pytest.fail)
    assert len(document["exchanges"]) == len(reports)


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github"])
@pytest.mark.parametrize("text", ["\ud800", "\x00\x1b[2J\x9b", "::error::x\r\n::error::y", "]]>&<![CDATA["])
def test_hostile_text_can_be_written_in_every_format(form, text):
    finding = Finding(all_rules()[0].name, Severity.ERROR, text, path=text, expected=text, actual=[text, float("nan")])
    report = Report(api_named("chat.completions"), (finding,), Metrics(1, 1, 1, 1), {"content": text})
    written = rendered(form, [(text, None, report)])
    assert "\x1b" not in written
    assert form != "github" or "\n::error::y" not in written
