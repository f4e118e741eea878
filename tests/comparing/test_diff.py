"""Each event beside what OpenAI would have sent: what is said must be what the normalizer does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.comparing.event_diff import Differ, diff_exchange, explained
from streamlab.comparing.event_outcomes import EventDiff, EventOutcome, How
from streamlab.comparing.members import members_of
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.storage.targets import find_files
from streamlab.wire.sse import parse_event
from tests import streams
from tests.tui.driving import CAPTURES

SHIPPED = sorted(one for one in CAPTURES.iterdir() if one.is_dir())


def _diffs(exchange):
    report = analyze(exchange)
    return {
        (one.event, one.outcome is EventOutcome.ADDED): explained(one, report.findings)
        for one in diff_exchange(exchange)
    }


def _fields(diff):
    return {field.path: field for output in diff.outputs for field in output.fields}


@pytest.mark.parametrize("make", [streams.chat_text, streams.chat_tool, streams.chat_tools, streams.chat_usage])
def test_a_conforming_stream_does_not_differ(make):
    usage = make is streams.chat_usage
    exchange = streams.exchange(
        streams.sse(make()), request=streams.request_for(tools="tool" in make.__name__, usage=usage)
    )
    assert not _diffs(exchange)


def test_a_changed_member_says_what_from_what_to_why_and_by_which_rule():
    payloads = streams.chat_text("a", "b")
    payloads[2]["id"] = "chatcmpl-other"
    (diff,) = _diffs(streams.exchange(streams.sse(payloads))).values()
    field = _fields(diff)["id"]
    assert (diff.event, diff.outcome) == (2, EventOutcome.CHANGED)
    assert (field.how, field.here, field.there) == (How.CHANGED, "chatcmpl-other", streams.ID)
    assert (field.origin, field.rule) == ("derived", "chunk-id-changes")
    assert "chatcmpl-other" in field.why
    assert _fields(diff)["choices[0].delta.content"].how is How.SAME


def test_a_missing_end_is_an_added_event_that_was_invented():
    (diff,) = _diffs(streams.exchange(streams.sse(streams.chat_text("a"), done=False))).values()
    (output,) = diff.outputs
    assert (diff.event, diff.outcome) == (2, EventOutcome.ADDED)
    assert (output.raw, output.origin) == (b"data: [DONE]\n\n", "invented")
    assert diff.rules == ("done-missing",)


def test_what_an_early_event_held_back_is_missing_after_the_event_before_it_and_beside_no_other():
    payloads = streams.chat_text("a", "b", "c")[1:-1]
    for payload in payloads:
        payload["choices"][0]["finish_reason"] = "stop"
    diffs = _diffs(streams.exchange(streams.sse(payloads)))
    assert [(event, added) for event, added in sorted(diffs) if added] == [(2, True)]
    added = diffs[2, True]
    fields = _fields(added)
    assert {field.how for field in fields.values()} == {How.ADDED}
    assert fields["choices[0].finish_reason"].there == "stop"


def test_framing_is_a_trait_of_its_own():
    body = streams.sse(streams.chat_text("a")).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")
    first = _diffs(streams.exchange([body]))[0, False]
    fields = _fields(first)
    assert (fields["sse.line end"].here, fields["sse.line end"].there) == ("CRLF", "LF")
    assert (fields["sse.space after colon"].here, fields["sse.space after colon"].there) == (False, True)
    assert fields["id"].how is How.SAME


def test_a_second_finish_is_dropped_and_says_why():
    payloads = [*streams.chat_text("a"), streams.chunk({}, "stop")]
    diff = _diffs(streams.exchange(streams.sse(payloads)))[3, False]
    assert diff.outcome is EventOutcome.DROPPED
    assert all(field.how is How.DROPPED for field in _fields(diff).values())
    assert "finish-reason-repeated" in diff.rules


def test_what_cannot_be_repaired_is_broken():
    finding = Finding(
        "stall-gap", Severity.WARNING, "nothing came for 9 s", event=3, repairability=Repairability.NONE, events=(3, 5)
    )
    for event in (3, 5):
        (field,) = explained(EventDiff(event, EventOutcome.KEPT), (finding,)).broken
        assert (field.how, field.rule, field.why) == (How.BROKEN, "stall-gap", "nothing came for 9 s")
    assert explained(EventDiff(4, EventOutcome.KEPT), (finding,)).broken == ()


def test_an_error_answer_is_compared_with_the_object_openai_sends():
    exchange = streams.exchange([b'{"detail":"no such model"}'], status=404, headers=(("content-type", "text/html"),))
    (diff,) = _diffs(exchange).values()
    fields = _fields(diff)
    assert fields["detail"].how is How.DROPPED
    assert fields["error.message"].how is How.ADDED
    assert fields["error.message"].there == "no such model"


def test_a_stream_nobody_asked_for_is_compared_with_nothing():
    exchange = streams.exchange(
        streams.sse(streams.chat_text("a"), done=False), request=streams.request_for(stream=False)
    )
    differ = Differ(exchange.request, exchange.head)
    assert differ.feed(exchange.body) == []
    assert differ.finish(exchange.ending) == []
    assert differ.passes_through


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_is_shown_is_what_the_normalizer_sends(folder):
    (target,) = find_files(str(folder))
    exchange = target.read()
    repaired = normalize(exchange)
    found = _diffs(exchange)
    failed = not 200 <= exchange.head.status < 300
    changed = [one.raw for one in repaired.events if one.changes or failed]
    shown = [output.raw for diff in found.values() for output in diff.outputs if output.raw]
    assert sorted(shown) == sorted(changed)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_every_difference_of_a_shipped_capture_has_a_reason(folder):
    (target,) = find_files(str(folder))
    for diff in _diffs(target.read()).values():
        assert diff.rules, diff
        for field in diff.broken:
            assert field.why


@given(
    st.lists(st.sampled_from(streams.sse(streams.chat_tool(), done=False).split(b"\n\n")), max_size=8), st.booleans()
)
def test_cutting_the_input_elsewhere_changes_nothing(events, crlf):
    body = b"".join(event + b"\n\n" for event in events)
    body = body.replace(b"\n", b"\r\n") if crlf else body
    whole = _keyed(Differ(), [body])
    assert _keyed(Differ(), [body[at : at + 1] for at in range(len(body))]) == whole


def _keyed(differ, segments):
    found = {}
    for segment in segments:
        for diff in differ.feed(segment):
            found[diff.event, diff.outcome is EventOutcome.ADDED] = diff
    for diff in differ.finish(Ending.UPSTREAM_CUT):
        found[diff.event, diff.outcome is EventOutcome.ADDED] = diff
    return found


@pytest.mark.parametrize(
    ("raw", "members"),
    [
        (b'data: {"a":{"b":[1,{}]}}\n\n', {"a.b[0]": 1, "a.b[1]": {}}),
        (b"data: [DONE]\n\n", {"data": "[DONE]"}),
        (b"data: nope\n\n", {"data": "nope"}),
        (b"data: {}\n\n", {"data": {}}),
        (b": comment\n\n", {}),
        (b'data: {"error":{"message":"no"}}\n\n', {"error.message": "no"}),
    ],
)
def test_members_of_an_event(raw, members):
    assert {field.path: field.here for field in members_of(parse_event(raw, 0))} == members
