"""Builds the streams that clients are asked: each of cases.toml, beside the perfect stream it departs from.

A stream comes from `tests.variants` (forms of a deviation), from ``corpus/scenarios``, or from the rule's fixture.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.storage.exchange_dir import read_exchange_dir

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests import corpus, rule_fixtures, streams  # noqa: E402
from tests.variants import FORMS  # noqa: E402

_FORMS = {form.measured: form.exchange for form in FORMS}
#: The perfect streams that the streams of `tests.variants` depart from, by the first part of their names.
_PERFECT = {
    "text": streams.exchange(streams.sse(streams.chat_text())),
    "tool1": streams.exchange(streams.sse(streams.chat_tool())),
    "tools": streams.exchange(streams.sse(streams.chat_tools())),
    "usage": streams.exchange(streams.sse(streams.chat_usage())),
    "reasoning": _FORMS["reasoning.perfect"],
}


class Stream(NamedTuple):
    """A stream with its deviation, and what the same client is asked to read for comparison.

    ``broken`` says that a good client reports an error. ``tools`` are offered in the request: agents refuse a call of
    any other.
    """

    name: str
    exchange: Exchange
    perfect: Exchange
    api: str
    tools: tuple[str, ...]
    broken: bool


def cases() -> dict[str, list[dict[str, Any]]]:
    """Which streams show which rule, in which form."""
    return tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))


def all_streams() -> Iterator[Stream]:
    """Every stream of the cases that the repository holds, once."""
    seen = set()
    for rule, listed in cases().items():
        for number, case in enumerate(listed):
            for name in case["streams"]:
                made = None if name in seen else _pair(rule, name, fixture=number == 0 and name == case["streams"][0])
                if made is not None:
                    seen.add(name)
                    yield _stream(name, *made, broken=bool(case.get("broken")))


def _pair(rule: str, name: str, fixture: bool) -> tuple[Exchange, Exchange] | None:
    """The stream and its perfect one; None when only its measurement is left."""
    if name in _FORMS:
        return _FORMS[name], _PERFECT[name.partition(".")[0]]
    scenario = corpus.CORPUS / "scenarios" / name
    if scenario.is_dir():
        tools = b'"tool_calls"' in (scenario / "body.sse").read_bytes()
        perfect = scenario.with_name("00-baseline-tool" if tools else "00-baseline")
        return read_exchange_dir(scenario), read_exchange_dir(perfect)
    if fixture:
        home = rule_fixtures.folder(rule)
        return read_exchange_dir(home / "bad"), read_exchange_dir(home / "good")
    return None


def _stream(name: str, exchange: Exchange, perfect: Exchange, broken: bool) -> Stream:
    report = analyze(perfect)
    asked = json.loads(exchange.request.body or b"{}") if exchange.request is not None else {}
    offered = [tool["function"]["name"] for tool in asked.get("tools") or () if "function" in tool]
    called = [call["function"]["name"] for call in report.completion.get("tool_calls") or ()]
    tools = tuple(dict.fromkeys([*offered, *called]))
    return Stream(name, exchange, perfect, str(report.api), tools, broken)
