"""Tags that were left in reasoning: who shows them is told by the field that the reasoning comes in."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from tests.streams import chat_text, chunk, exchange, sse

OPENING, *ANSWER = chat_text()


def _told(*deltas):
    findings = analyze(exchange(sse([OPENING, *map(chunk, deltas), *ANSWER]))).findings
    (found,) = (one for one in findings if one.message.endswith("has its tags in it"))
    return found


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_the_field_is_the_form(key):
    found = _told({key: "<think>"}, {key: "Hm."}, {key: "</think>"})
    assert found.variants == (f"its tags are in {key}",)


def test_both_fields_are_both_forms():
    both = {"reasoning": "<think>Hm.", "reasoning_content": "<think>Hm."}
    assert sorted(_told(both).variants) == ["its tags are in reasoning", "its tags are in reasoning_content"]


def test_a_field_that_nobody_was_asked_about_is_no_form():
    assert _told({"thinking": "<think>Hm."}).variants == ()
