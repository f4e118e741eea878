"""What people read of a finding: what mends it, and text as it stands."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.engine_rules import ENGINE_RULES, MENDED_IN_SENDING
from streamlab.report.text import mended_by
from streamlab.rules.base import quote
from tests import streams

CHUNKED = ("transfer-encoding", "chunked")


@pytest.mark.parametrize(
    "headers", [(CHUNKED, ("date", "today")), (CHUNKED, ("content-type", "text/event-stream; charset=latin-1"))]
)
def test_what_only_a_head_says_is_mended_where_it_is_sent(headers):
    (finding,) = analyze(streams.exchange(streams.sse(streams.chat_text()), headers=headers)).findings
    assert mended_by(finding).startswith("streamlab record --normalize")
    assert finding.rule in MENDED_IN_SENDING <= ENGINE_RULES.keys()


def test_what_stands_in_the_body_is_mended_by_normalize():
    (finding,) = analyze(streams.exchange(streams.sse(streams.chat_text(), done=False))).findings
    assert (finding.rule, mended_by(finding)) == ("done-missing", "streamlab normalize")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "'plain'"),
        (r"{\"name\": 1}", r"""'{\"name\": 1}'"""),
        ("it's", '"it\'s"'),
        ("a\nb\u202e", "'a\\nb\\u202e'"),
        (b"caf\xc3\xa9 \xff\\", "b'café \\xff\\'"),
        ({"a": [True, None]}, '{"a": [true, null]}'),
    ],
)
def test_text_is_quoted_as_it_stands(text, shown):
    assert quote(text) == shown
