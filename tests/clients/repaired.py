"""Mended streams served to real clients: every rule's bad exchange, every shipped capture, and the corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlab.apis import api_named
from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.playback.matching import Candidate
from streamlab.playback.script import script
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.servers.replay import Playable
from streamlab.workflows.replay import BackgroundReplay, held
from tests import corpus, rule_fixtures

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Repaired:
    """A mended exchange and the completion that every client has to end with."""

    name: str
    exchange: Exchange
    completion: dict[str, Any]


def _directories() -> list[Path]:
    found = [path.parent for path in sorted(rule_fixtures.ROOT.glob("*/*/bad/exchange.json"))]
    found += [path.parent for path in sorted((ROOT / "captures").glob("*/exchange.json"))]
    return found + corpus.directories("seed-systems") + corpus.directories("scenarios")


def repaired_streams(first: int = 0, step: int = 1) -> Iterator[Repaired]:
    """Every chat stream that comes out without an error finding and holds an answer rather than an error: those of
    every ``step``-th directory from ``first`` on."""
    for directory in _directories()[first::step]:
        exchange = corpus.load(directory)
        if exchange.head is None or exchange.head.status != 200 or exchange.ending is not Ending.COMPLETE:
            continue
        repaired = normalize(exchange)
        report = analyze(repaired.exchange)
        streamed = b"data: [DONE]" in repaired.exchange.body
        if (
            report.api is api_named("chat.completions")
            and streamed
            and not errors_left(repaired)
            and "error" not in report.completion
        ):
            name = "-".join(directory.parts[-2:] if directory.name != "bad" else directory.parts[-2:-1])
            yield Repaired(name, repaired.exchange, report.completion)


@contextmanager
def served(streams: list[Repaired]) -> Iterator[BackgroundReplay]:
    """All of them behind one replay server, each by its name: ``{url}/@NAME/v1``."""
    playables = [
        Playable(Candidate((one.name,), None, None, None, False), one.name, lambda one=one: held(script(one.exchange)))
        for one in streams
    ]
    with BackgroundReplay(playables) as replay:
        yield replay


def expected(completion: dict[str, Any]) -> dict[str, Any]:
    """A completion as the tests compare it: text, calls with their arguments as JSON, finish reason."""
    return {
        "text": completion["content"] or "",
        "calls": [
            [call["id"], call["function"]["name"], arguments(call["function"]["arguments"])]
            for call in completion["tool_calls"]
        ],
        "finish": completion["finish_reason"],
    }


def arguments(text: str | None) -> Any:
    """Arguments as JSON where they are; whole text where they are not."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text
