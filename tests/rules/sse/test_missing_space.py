"""Where the space behind ``data:`` is missing decides who raises: one client knows ``[DONE]`` by it."""

from __future__ import annotations

import pytest

from streamlab.clients.table import breaks
from streamlab.judging.analyzer import analyze
from tests.streams import chat_text, exchange, sse

BEFORE_DONE, ELSEWHERE = "it is missing before [DONE]", "it is missing elsewhere"
WHOLE = sse(chat_text())


@pytest.mark.parametrize(
    ("body", "forms", "named"),
    [
        (WHOLE.replace(b"data: ", b"data:"), {BEFORE_DONE, ELSEWHERE}, ["py-hf-hub"]),
        (WHOLE.replace(b"data: [", b"data:["), {BEFORE_DONE}, ["py-hf-hub"]),
        (WHOLE.replace(b"data: {", b"data:{"), {ELSEWHERE}, []),
    ],
)
def test_who_raises_is_named_where_done_lacks_it(body, forms, named):
    (found,) = (one for one in analyze(exchange(body)).findings if one.rule == "sse-no-space-after-colon")
    assert set(found.variants) == forms
    assert [one.client for one in breaks(found.rule, found.variants, found.api) if one.measured] == named
