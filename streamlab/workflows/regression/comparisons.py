"""How an output is compared with what is expected: exactly, or by what a client ends up with."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from streamlab.rules.severity import Severity
from streamlab.wire.visible import visible
from streamlab.workflows.regression.findings import findings_about
from streamlab.workflows.regression.fixture import Fixture
from streamlab.workflows.regression.meaning import held, parsed

#: What is wrong with an output, in lines; [] when nothing is.
Comparison = Callable[[Fixture, bytes], list[str]]

_parsed_once = lru_cache(maxsize=8)(parsed)


def exactly(fixture: Fixture, actual: bytes) -> list[str]:
    """The same events with the same JSON."""
    expected = fixture.expected or b""
    return [] if _parsed_once(expected) == parsed(actual) else event_diff(expected, actual)


def in_meaning(fixture: Fixture, actual: bytes) -> list[str]:
    """A client holds the same at the end, and nothing is left that an official or mainstream client breaks on.

    What a converter may well make up anew does not count: ids, models, times, and how the text is cut into events.
    """
    expected = fixture.expected or b""
    want, have = held(_parsed_once(expected)), held(parsed(actual))
    if want["usage"] is None:  # nobody promised not to count
        want["usage"] = have["usage"]
    lines = []
    for key, value in want.items():
        if value != have[key]:
            lines += [f"{key.replace('_', ' ')}", f"  - {_short(value)}", f"  + {_short(have[key])}"]
    before = {one.rule for one in findings_about(fixture.exchange, expected)}
    left = dict.fromkeys(
        one.rule
        for one in findings_about(fixture.exchange, actual)
        if one.severity is Severity.ERROR and one.rule not in before
    )
    return lines + [f"the output still has an error: {rule}" for rule in left]


def event_diff(expected: bytes, actual: bytes) -> list[str]:
    """Event by event, what differs, from the first difference on."""
    wanted, got = parsed(expected), parsed(actual)
    lines: list[str] = []
    for at in range(max(len(wanted), len(got))):
        left = wanted[at] if at < len(wanted) else None
        right = got[at] if at < len(got) else None
        if left != right:
            lines.append(f"event {at}")
            lines += [f"  - {_shown(left)}"] if left is not None else ["  - (no such event)"]
            lines += [f"  + {_shown(right)}"] if right is not None else ["  + (no such event)"]
        if len(lines) > 30:
            lines.append("…")
            break
    return lines


def _short(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False), 300)


def _shown(meaning: tuple[str, Any]) -> str:
    kind, value = meaning
    if value is None:
        return kind
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return f"{kind} {visible(text, 400)}"
