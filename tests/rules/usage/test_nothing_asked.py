"""A prompt of 0 tokens is told where something was asked, the count is the last, and no error explains it."""

from __future__ import annotations

from typing import Any

import pytest

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.streams import USAGE, chat_text, chunk, exchange, request_for, sse

RULE = "usage-inconsistent"
NOTHING = {"prompt_tokens": 0, "completion_tokens": 9, "total_tokens": 9}
FAILED = {"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}}


def _made(*behind: Any, answer: list[Any] | None = None, **extra: Any) -> Any:
    body = sse([*(chat_text() if answer is None else answer), *behind])
    return exchange(body, **{"request": request_for(usage=True), **extra})


def _usage(**counts: Any) -> Any:
    return chunk(choices=[], usage=counts or dict(NOTHING))


def test_it_is_a_warning_that_nothing_can_mend():
    made = _made(_usage())
    (found,) = [one for one in analyze(made).findings if one.rule == RULE]
    assert (found.severity, found.repairability) == (Severity.WARNING, Repairability.NONE)
    assert (found.path, found.actual, found.event) == ("usage.prompt_tokens", 0, len(chat_text()))
    assert normalize(made).exchange.body == made.body


def test_all_of_it_may_be_nothing():
    made = _made(_usage(prompt_tokens=0, completion_tokens=0, total_tokens=0))
    assert [one.path for one in analyze(made).findings if one.rule == RULE] == ["usage.prompt_tokens"]


@pytest.mark.parametrize(
    "made",
    [
        _made(_usage(**USAGE)),
        _made(_usage(), _usage(**USAGE)),
        _made(FAILED, _usage(), answer=chat_text()[:-1]),
        _made(_usage(), request=request_for(usage=True, messages=[])),
        _made(_usage(), ending=Ending.UPSTREAM_CUT),
    ],
    ids=["counted", "counted later", "behind an error, as OpenAI does", "nothing asked", "cut"],
)
def test_what_is_no_wrong_count(made):
    assert "usage.prompt_tokens" not in {one.path for one in analyze(made).findings if one.rule == RULE}
