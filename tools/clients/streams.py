"""Builds the streams that clients are asked: each of cases.toml, beside the perfect stream it departs from.

A stream comes from `deviations`, from `tests.variants` (forms of a deviation), or from ``corpus/scenarios``.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.storage.exchange_dir import read_exchange_dir

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from as_completions import as_completions  # noqa: E402
from deviations import MADE, PERFECT, RESPONSE  # noqa: E402

from tests import corpus, streams  # noqa: E402
from tests.variants import FAILURE, FORMS, failing  # noqa: E402

_MADE = MADE | {form.measured: form.exchange for form in FORMS}
#: The perfect streams that others depart from, by the first part of their names.
_PERFECT = {
    "text": streams.exchange(streams.sse(streams.chat_text())),
    "tool1": streams.exchange(streams.sse(streams.chat_tool())),
    "tools": streams.exchange(streams.sse(streams.chat_tools())),
    "usage": streams.exchange(streams.sse(streams.chat_usage())),
    "failed": failing(FAILURE),
    "refused": failing(FAILURE, status=401),
    "reasoning": _MADE["reasoning.perfect"],
    "responses": streams.responses_exchange(streams.responses_sse(RESPONSE)),
}


#: Before the name of a stream of chat: the same as legacy completions have it.
_AS_COMPLETIONS = "completions."


class Stream(NamedTuple):
    """A stream with its deviation, and what the same client is asked to read for comparison.

    ``broken`` says that a good client reports an error, ``nameless`` that no call has an id. ``tools`` are offered in
    the request: agents refuse a call of any other. ``words`` are those in which a server tells of its failure.
    """

    name: str
    exchange: Exchange
    perfect: Exchange
    api: str
    tools: tuple[str, ...]
    broken: bool
    nameless: bool
    words: str


def cases() -> dict[str, list[dict[str, Any]]]:
    """Which streams show which rule, in which form."""
    return tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))


def all_streams() -> Iterator[Stream]:
    """Every stream of the cases, once."""
    broken: dict[str, bool] = {}
    for listed in cases().values():
        for case in listed:
            for name in case["streams"]:
                broken[name] = broken.get(name, False) or bool(case.get("broken"))
    for name, is_broken in broken.items():
        yield _stream(name, *_pair(name), is_broken)


@cache
def sends_usage(name: str) -> bool:
    """Whether the perfect stream that a stream departs from says what the answer cost. Where none does, a client may
    show an estimate, and another one on another text."""
    _, perfect = _pair(name)
    return bool(analyze(perfect).completion.get("usage"))


def _pair(name: str) -> tuple[Exchange, Exchange]:
    """The stream and the perfect one it departs from."""
    if name in _MADE:
        return _MADE[name], PERFECT.get(name) or _PERFECT.get(name.partition(".")[0], _PERFECT["text"])
    if name.startswith(_AS_COMPLETIONS):
        made, perfect = map(as_completions, _pair(name.removeprefix(_AS_COMPLETIONS)))
        return made, perfect
    scenario = corpus.CORPUS / "scenarios" / name
    tools = b'"tool_calls"' in (scenario / "body.sse").read_bytes()
    perfect = scenario.with_name("00-baseline-tool" if tools else "00-baseline")
    return read_exchange_dir(scenario), read_exchange_dir(perfect)


def _stream(name: str, exchange: Exchange, perfect: Exchange, broken: bool) -> Stream:
    report = analyze(perfect)
    asked = json.loads(exchange.request.body or b"{}") if exchange.request is not None else {}
    listed = asked.get("tools") or ()
    offered = [tool["function"]["name"] for tool in listed if "function" in tool]
    offered += [
        tool["name"] for tool in listed if "name" in tool and json.dumps(tool["name"]).encode() in exchange.body
    ]
    called = [call["function"]["name"] for call in report.completion.get("tool_calls") or ()]
    tools = tuple(dict.fromkeys([*offered, *called]))
    held = (analyze(exchange).completion.get("tool_calls") or ()) if called else ()
    nameless = bool(held) and not any(call.get("id") for call in held)
    failed = perfect.head is not None and perfect.head.status >= 400
    words = json.loads(perfect.body)["error"]["message"] if failed else ""
    return Stream(name, exchange, perfect, str(report.api), tools, broken, nameless, words)
