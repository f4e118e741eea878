"""A report as text that is kept, and back: what one analysis said need not be worked out again.

What is kept may come from elsewhere, so every value is checked: text that does not hold a report gives None.
"""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec

from streamlab.apis import api_named
from streamlab.judging.metrics import Metrics
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.rules.finding import Finding

_FINDING, _METRICS = (tuple(one.name for one in fields(kind)) for kind in (Finding, Metrics))
_of_finding, _of_metrics = attrgetter(*_FINDING), attrgetter(*_METRICS)


class _Kept(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a report holds, the API by its name."""

    api: str
    findings: list[Finding]
    metrics: Metrics
    completion: dict[str, Any]
    dialect: str | None
    dialect_reasons: tuple[str, ...]
    judged: bool
    why: str | None


def packed(report: Report) -> bytes:
    """The report as JSON in UTF-8, in which half a character, which a server may send, is kept as three bytes."""
    kept = (
        report.api.name,
        [dict(zip(_FINDING, _of_finding(one), strict=True)) for one in report.findings],
        dict(zip(_METRICS, _of_metrics(report.metrics), strict=True)),
        report.completion,
        report.dialect,
        report.dialect_reasons,
        report.judged,
        report.why,
    )
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def unpacked(data: bytes) -> Report | None:
    """The report that `packed` made this of; None where it is none, or of an API that is not known here."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        whole = text.encode("utf-8", "replace").decode()  # half characters are no text to who checks it
        raw = json.loads(text)
        kept = msgspec.convert(raw if whole == text else json.loads(whole), _Kept)
    except (ValueError, msgspec.ValidationError, RecursionError):  # the second is the first in newer msgspec alone
        return None
    api = api_named(kept.api)
    if api is None:
        return None
    found, completion = kept.findings, kept.completion
    if whole != text:  # it is what it should be; now as it was
        found, completion = [_as_it_was(one, was) for one, was in zip(found, raw[1], strict=True)], raw[3]
    return Report(
        api, tuple(found), kept.metrics, completion, kept.dialect, kept.dialect_reasons, kept.judged, kept.why
    )


def _as_it_was(checked: Finding, raw: dict[str, Any]) -> Finding:
    return changed(checked, **{name: raw[name] for name in ("message", "path", "expected", "actual") if name in raw})
