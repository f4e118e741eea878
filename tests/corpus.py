"""Reads the corpus, independently of the package's own reader.

What our own servers made lies in the repository (``corpus/``). What other projects recorded is not ours to ship: it is
read from ``../shared/corpus/recorded`` where somebody has put it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment

CORPUS = Path(__file__).parents[1] / "corpus"
FIXTURES = CORPUS.parent / "fixtures"
RECORDED = Path(os.environ.get("STREAMLAB_SHARED", CORPUS.parents[1] / "shared")) / "corpus" / "recorded"
needs_recorded = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="what other projects recorded does not lie beside this one"
)


def directories(*parts: str) -> list[Path]:
    """Exchange directories of the repository's corpus, or of a folder of it, sorted."""
    return sorted(found.parent for found in CORPUS.joinpath(*parts).rglob("exchange.json"))


def ours() -> dict[str, Path]:
    """Exchange directories of the repository's fixtures and corpus, sorted in each, by their names."""
    return {
        f"{root.name}/{found.parent.relative_to(root)}": found.parent
        for root in (FIXTURES, CORPUS)
        for found in sorted(root.rglob("exchange.json"))
    }


def recorded(*parts: str) -> list[Path]:
    """Exchange directories that other projects recorded, sorted; none where they do not lie beside this project."""
    return sorted(found.parent for found in RECORDED.joinpath(*parts).rglob("exchange.json"))


def labels(directory: Path) -> dict[str, Any]:
    """The labels of an exchange."""
    return json.loads((directory / "labels.json").read_text(encoding="utf-8"))


def load(directory: Path) -> Exchange:
    """An exchange directory as an Exchange."""
    meta = json.loads((directory / "exchange.json").read_text(encoding="utf-8"))
    body = (directory / "body.sse").read_bytes()
    asked, answered = meta.get("request"), meta.get("response")
    request = asked and Request(
        asked.get("method") or "POST", asked["url"], tuple(map(tuple, asked.get("headers") or ())), _request_body(asked)
    )
    head = answered and ResponseHead(
        answered["status"], tuple(map(tuple, answered["headers"])), answered.get("head_us")
    )
    return Exchange(
        request=request or None,
        head=head or None,
        segments=tuple(_segments(meta.get("segments"), body)),
        ending=Ending(meta["ending"]),
        end_us=meta.get("end_us"),
        notes=meta.get("notes") or {},
    )


def _request_body(asked: dict[str, Any]) -> bytes | None:
    if asked.get("body_base64"):
        return base64.b64decode(asked["body_base64"])
    return json.dumps(asked["body"]).encode() if asked.get("body") is not None else None


def _segments(listed: list[list[int]] | None, body: bytes) -> Iterator[Segment]:
    if listed is None:
        if body:
            yield Segment(None, body)
        return
    at = 0
    for offset_us, length in listed:
        yield Segment(offset_us, body[at : at + length])
        at += length
