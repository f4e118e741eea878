"""What comes behind the finish of a choice, or where none came: what is told of it, where, and what is left of it."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.streams import chat_text, chunk, exchange, request_for, sse

USAGE = {"prompt_tokens": 25, "completion_tokens": 22, "total_tokens": 47}


def _of(found, rule):
    return [one for one in found.findings if one.rule == rule]


def _with(payloads, **more):
    return [{**one, **more} for one in payloads]


@pytest.mark.parametrize("provider", ["Google", "other"])
def test_openrouters_empty_chunk_behind_the_finish_is_folded_away_and_its_usage_kept(provider):
    tail = {**chunk({"role": "assistant", "content": ""}), "provider": provider, "usage": USAGE}
    answer = _with(chat_text(), provider="Google")
    came = exchange(sse([*answer, tail]), request=request_for(stream_options={"include_usage": True}))
    assert _of(analyze(came), "usage-on-content-or-finish-chunk")
    repaired = normalize(came)
    events = [one.event.json for one in repaired.events[len(answer) : -1]]
    assert [one["usage"] for one in events if one["choices"] == []] == [USAGE]
    # What no chunk before it said is not thrown away.
    assert [one["provider"] for one in events if one["choices"]] == ([] if provider == "Google" else ["other"])


@pytest.mark.parametrize("reason", [None, "stop"])
def test_a_chunk_of_which_usage_alone_is_left_loses_its_choices_and_nothing_else(reason):
    """That is what its account says, and not that its usage changed."""
    tail = {**chunk({"content": ""}, reason), "provider": "Google", "usage": USAGE}
    came = exchange(
        sse([*_with(chat_text(), provider="Google"), tail]), request=request_for(stream_options={"include_usage": True})
    )
    [went] = [one for one in normalize(came).events[:-1] if one.event.json["choices"] == []]
    assert went.event.json == {**tail, "choices": []}
    last = went.changes[-1]
    assert (last.path, last.now) == ("choices", [])
    assert last.was == [{**tail["choices"][0], "finish_reason": None}]
    assert not [one for one in went.changes if one.path == "usage"]


def test_an_empty_chunk_behind_the_finish_alone_is_left():
    came = exchange(sse([*chat_text(), chunk({})]))
    assert normalize(came).exchange.body == came.body


@pytest.mark.parametrize("done", [True, False])
def test_a_choice_that_never_finishes_is_told_at_its_last_chunk(done):
    came = exchange(sse(chat_text()[:-1], done=done))
    found = _of(analyze(came), "finish-reason-missing")[0]
    start, end = found.span
    assert (found.event, came.body[start:end]) == (4, b'"finish_reason":null')
    assert found.offset_us is not None


def test_a_choice_that_is_not_in_the_last_chunk_has_no_place():
    usage = {**chunk(), "choices": [], "usage": USAGE}
    found = _of(analyze(exchange(sse([*chat_text()[:-1], usage]))), "finish-reason-missing")[0]
    assert found.event is None


def test_the_finish_of_another_choice_is_not_its_place():
    """Choice 1 stood first in its own chunks; what stands there in the last chunk is choice 0's."""
    other = [chunk({"content": "b"}, index=1)]
    found = _of(analyze(exchange(sse([*chat_text()[:-1], *other, chat_text()[-1]]))), "finish-reason-missing")[0]
    assert (found.message.split(" has")[0], found.event, found.span) == ("choice 1", None, None)


FILTER = {
    "index": 0,
    "finish_reason": None,
    "content_filter_results": {},
    "content_filter_offsets": {"start_offset": 9},
}


@pytest.mark.parametrize("named", [True, False])
def test_a_filters_verdict_leaves_object_empty_and_not_out(named):
    verdict = {"id": "", "object": "", "created": 0, "model": "", "choices": [FILTER]}
    if not named:
        del verdict["object"]
    came = exchange(sse([*chat_text(), verdict, verdict]))
    found = [(one.severity, one.repairability, one.count) for one in _of(analyze(came), "object-wrong")]
    assert found == ([] if named else [(Severity.WARNING, Repairability.SAFE, 1)])
    repaired = normalize(came)
    assert not _of(analyze(repaired.exchange), "object-wrong")


def test_done_under_another_name_is_no_second_fact():
    came = exchange([sse(chat_text(), done=False) + b"] data: [DONE]\n\n"])
    assert [one.severity for one in _of(analyze(came), "done-missing")] == [Severity.INFO]
    assert _of(analyze(normalize(came).exchange), "done-missing") == []


@pytest.mark.parametrize("before", [b"", b'{"error":{"message":"no"}}\n'])
def test_what_shares_the_event_of_done_is_something(before):
    assert bool(_of(analyze(exchange([before + b"data: [DONE]\n\n"])), "only-done")) is (before == b"")


def test_blank_lines_behind_the_end_are_told_and_accounted_for():
    came = exchange([sse(chat_text()) + b"\n\n"])
    found = _of(analyze(came), "sse-extra-blank-lines")[0]
    assert (found.event, found.span) == (7, (len(came.body) - 2, len(came.body)))
    assert normalize(came).changes == {"sse-extra-blank-lines": 1}
    assert _of(analyze(exchange([b"\n\n\n"])), "sse-extra-blank-lines") == []


def test_a_comment_between_the_lines_of_an_event_is_accounted_for():
    text = sse(chat_text())
    came = exchange([text[:-14] + b": so far\n" + text[-14:]])
    repaired = normalize(came)
    assert repaired.exchange.body == text[:-14] + b": so far\n\n" + text[-14:]
    assert repaired.changes == {"sse-comment-keepalive": 1}
