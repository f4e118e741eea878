"""Streams whose tool call fragments are odd in every way that servers have found, made from a number: the same number
gives the same stream."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.streams import Payload, chunk

NAMES = ("get_weather", "get_time", "search")
ARGUMENTS = (
    '{"city":"Paris"}',
    '{"city":"Oslo","unit":"c"}',
    "{}",
    '{"a":{"b":[1,2]},"q":"x\\"y"}',
    '{"query":"streams {and} braces"}',
    "",
)
_ABSENT = object()


def odd_fragments(number: int) -> list[list[Any]]:
    """The lists of fragments of the chunks of one answer."""
    rng = random.Random(number)
    if number % 5 == 4:
        return [[_any_fragment(rng)] for _ in range(rng.randint(1, 6))]
    modes = {
        "index": rng.choice(("right", "right", "absent", "null", "late", "first only", "shared", "text", "below zero",
                             "jumping", "from 1", "counting", "sometimes")),
        "id": rng.choice(("once", "once", "repeated", "renewed", "missing", "empty later", "late", "shared")),
        "name": rng.choice(("once", "once", "repeated", "split", "empty later", "null later", "late", "missing")),
        "arguments": rng.choice(("pieces", "pieces", "whole", "object", "null first", "absent first", "twice")),
    }  # fmt: skip
    calls = [_call(rng, at, modes) for at in range(rng.choice((1, 1, 2, 2, 3)))]
    flat = _woven(rng, calls) if rng.random() < 0.15 else [one for call in calls for one in call]
    _put_indexes(rng, flat, modes["index"])
    listed = [fragment for _, fragment in flat]
    if rng.random() < 0.15:
        return [listed]
    return [[fragment] for fragment in listed]


def odd_stream(number: int) -> list[Payload]:
    """The chunks of one answer, from the role to the finish."""
    middle = [chunk({"tool_calls": fragments}) for fragments in odd_fragments(number)]
    return [chunk({"role": "assistant", "content": None}), *middle, chunk({}, "tool_calls")]


def _call(rng: random.Random, number: int, modes: dict[str, str]) -> list[tuple[int, dict[str, Any]]]:
    """The fragments of one call, without index, with its number."""
    pieces = _pieces(rng, modes["arguments"])
    count = max(len(pieces), 1)
    name, ident = rng.choice(NAMES), f"call_{number}"
    made: list[tuple[int, dict[str, Any]]] = []
    for at in range(count):
        function: dict[str, Any] = {}
        _put(function, "name", _name(modes["name"], name, at, count))
        _put(function, "arguments", pieces[at] if at < len(pieces) else _ABSENT)
        fragment: dict[str, Any] = {}
        _put(fragment, "id", _ident(rng, modes["id"], ident, at))
        if at == 0:
            fragment["type"] = "function"
        if function or rng.random() < 0.8:
            fragment["function"] = function
        made.append((number, fragment))
    return made


def _put(holder: dict[str, Any], key: str, value: Any) -> None:
    if value is not _ABSENT:
        holder[key] = value


def _pieces(rng: random.Random, mode: str) -> list[Any]:
    text = rng.choice(ARGUMENTS)
    if mode == "object":
        return ["", json.loads(text or "{}")] if rng.random() < 0.5 else [json.loads(text or "{}")]
    if mode == "whole":
        return [text]
    cuts = sorted(rng.randint(0, len(text)) for _ in range(rng.randint(0, 3)))
    pieces: list[Any] = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    first = {"null first": [None], "absent first": [_ABSENT]}.get(mode, [""])
    return [*first, *pieces, *([text] if mode == "twice" else [])]


def _name(mode: str, name: str, at: int, count: int) -> Any:
    half = len(name) // 2
    if mode == "split" and count > 1:
        return (name[:half], name[half:])[at] if at < 2 else _ABSENT
    if mode == "late" and count > 1:
        return name if at == 1 else _ABSENT
    later = {"repeated": name, "empty later": "", "null later": None}.get(mode, _ABSENT)
    return _ABSENT if mode == "missing" else name if at == 0 else later


def _ident(rng: random.Random, mode: str, ident: str, at: int) -> Any:
    if mode == "renewed":
        return f"call_{rng.randrange(1 << 30):x}"
    if mode == "late":
        return ident if at == 1 else _ABSENT
    if mode == "shared":
        return "call_0" if at == 0 else _ABSENT
    later = {"repeated": ident, "empty later": ""}.get(mode, _ABSENT)
    return _ABSENT if mode == "missing" else ident if at == 0 else later


def _woven(rng: random.Random, calls: list[list[Any]]) -> list[Any]:
    waiting = [list(call) for call in calls]
    woven: list[Any] = []
    while any(waiting):
        woven.append(rng.choice([call for call in waiting if call]).pop(0))
    return woven


def _put_indexes(rng: random.Random, flat: list[tuple[int, dict[str, Any]]], mode: str) -> None:
    seen: set[int] = set()
    jump = rng.randint(1, 4)
    for at, (number, fragment) in enumerate(flat):
        first = number not in seen
        seen.add(number)
        index: Any = {
            "absent": _ABSENT,
            "null": None,
            "late": _ABSENT if first else number,
            "first only": number if first else _ABSENT,
            "shared": 0,
            "text": str(number),
            "below zero": -1 - number,
            "jumping": number * jump,
            "from 1": number + 1,
            "counting": at,
            "sometimes": number if rng.random() < 0.5 else _ABSENT,
        }.get(mode, number)
        _put(fragment, "index", index)


def _any_fragment(rng: random.Random) -> dict[str, Any]:
    fragment: dict[str, Any] = {}
    _put(fragment, "index", rng.choice((_ABSENT, None, 0, 0, 1, 2, "0", "1", -1, 5)))
    _put(fragment, "id", rng.choice((_ABSENT, _ABSENT, None, "", "call_A", "call_B", "call_C")))
    _put(fragment, "type", rng.choice((_ABSENT, _ABSENT, "function", "", None)))
    function: dict[str, Any] = {}
    _put(function, "name", rng.choice((_ABSENT, _ABSENT, None, "", *NAMES, "get_", "weather")))
    pieces = (_ABSENT, None, "", "{}", '{"a":', "1}", '{"a":1}', {"a": 1}, '{"b":"', 'x"}')
    _put(function, "arguments", rng.choice(pieces))
    _put(fragment, "function", rng.choice((function, function, function, function, _ABSENT, None)))
    return fragment
