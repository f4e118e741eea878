"""Where lists of parts stand in an answer decides who breaks on them: each finding tells its form, and no other."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from tests.streams import chunk, exchange, sse

TEXT, THOUGHT = [{"type": "text", "text": "Spring."}], [{"type": "reasoning", "text": "Hm."}]
THINKING = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]


@pytest.mark.parametrize(
    ("contents", "forms"),
    [
        (["", TEXT], ("they hold text",)),
        ([TEXT, "!"], ("the answer begins with one that holds text",)),
        ([TEXT, TEXT], ("the answer begins with one, another follows, and they hold text",)),
        ([THOUGHT, "Spring."], ("the answer begins with one that holds reasoning",)),
        ([THOUGHT, TEXT], ("the answer begins with one that holds reasoning, one with text follows",)),
        ([THINKING, TEXT, TEXT], ("the answer begins with one that holds thinking, one with text follows",)),
        (
            [THOUGHT, THOUGHT, TEXT],
            (
                "the answer begins with one, another follows, and they hold reasoning",
                "the answer begins with one that holds reasoning, one with text follows",
            ),
        ),
    ],
)
def test_what_it_begins_with_and_what_follows_is_a_form(contents, forms):
    first, *others = contents
    opening = chunk({"role": "assistant", "content": first})
    body = sse([opening, *(chunk({"content": one}) for one in others), chunk({}, "stop")])
    (found,) = (one for one in analyze(exchange(body)).findings if one.rule == "content-array-parts")
    assert found.variants == forms
    assert found.count == sum(type(one) is list for one in contents)
