"""Writes and reads the fixtures of rules: ``fixtures/rules/FAMILY/RULE_NAME/{bad,good}/``.

A fixture is a pair of exchange directories in the contract's format; ``bad/findings.json`` holds what is
expected, ``bad/expected.sse`` the mended stream.
Authors call `write` once from a scratch script and read the result by eye before committing it; ``other`` names
rules whose findings the same bytes cannot avoid (a stream without ``[DONE]`` cannot have a ``[DONE]`` to judge).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlab.apis.registry import by_name, family_of
from streamlab.exchange import Exchange
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.workflows.regression.findings import summary
from streamlab.workflows.regression.fixture import write_expectations

__all__ = ["ROOT", "folder", "summary", "write"]

ROOT = Path(__file__).parents[1] / "fixtures" / "rules"


def folder(rule: str) -> Path:
    """Where a rule's fixture lies."""
    return ROOT / family_of(by_name()[rule]) / rule.replace("-", "_")


def write(rule: str, bad: Exchange, good: Exchange) -> Path:
    """Write both exchanges and the findings of the bad one."""
    home = folder(rule)
    _write_exchange(home / "bad", bad)
    _write_exchange(home / "good", good)
    write_expectations(home / "bad", read_exchange_dir(home / "bad"))
    return home


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _write_exchange(home: Path, exchange: Exchange) -> None:
    home.mkdir(parents=True, exist_ok=True)
    request, head = exchange.request, exchange.head
    segments = list(exchange.segments)
    known = bool(segments) and segments[0].offset_us is not None
    meta = {
        "format": "streamlab.exchange/1",
        "request": request
        and {
            "method": request.method,
            "url": request.url,
            "headers": [list(header) for header in request.headers],
            "body": json.loads(request.body) if request.body else None,
        },
        "response": head
        and {"status": head.status, "headers": [list(header) for header in head.headers], "head_us": head.offset_us},
        "segments": [[segment.offset_us, len(segment.data)] for segment in segments] if known else None,
        "end_us": exchange.end_us,
        "ending": str(exchange.ending),
        "notes": exchange.notes,
    }
    (home / "exchange.json").write_text(_json(meta), encoding="utf-8")
    (home / "body.sse").write_bytes(exchange.body)
