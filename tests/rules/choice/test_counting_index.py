"""A choice index that counts the chunks of one answer is one finding: what it does to calls is no fault of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from tests.batches import batched
from tests.variants import FORMS

COUNTER = "choice-index-is-token-counter"
_FAMILY = "tool-call-"


def _numbered(exchange: Exchange, number: Callable[[int], int]) -> Exchange | None:
    """The stream with other choice indexes; None where it is no stream of at least four chunks with choice 0 alone."""
    lines, count = exchange.body.split(b"\n"), 0
    for at, line in enumerate(lines):
        try:
            payload = json.loads(line.removeprefix(b"data: "))
            (choice,) = payload["choices"]
        except (ValueError, TypeError, KeyError):
            continue
        if not isinstance(choice, dict) or choice.get("index") != 0:
            return None
        choice["index"] = number(count)
        count += 1
        lines[at] = b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\r" * line.endswith(b"\r")
    return replace(exchange, segments=(Segment(None, b"\n".join(lines)),)) if count > 3 else None


def _rules(exchange: Exchange | None) -> set[str]:
    return {one.rule for one in analyze(exchange).findings} if exchange is not None else set()


@batched("form", [form for form in FORMS if _numbered(form.exchange, lambda _: 0) is not None], parts=2)
def test_a_counting_index_is_no_fault_of_the_calls(form):
    plain = _rules(_numbered(form.exchange, lambda _: 0))
    counting = _rules(_numbered(form.exchange, lambda count: count))
    if COUNTER not in counting:
        return
    assert {rule for rule in counting - plain if rule.startswith(_FAMILY)} == set()


def test_enough_of_them_count():
    counted = [_numbered(form.exchange, lambda count: count) for form in FORMS]
    assert sum(COUNTER in _rules(one) for one in counted) > 50
