"""A clean capture that deviates as a known system: `check` names what is shown, repairing gives the clean one back."""

from __future__ import annotations

import json

import pytest

from streamlab.apis.registry import by_name
from streamlab.dialects.base import Dialect
from streamlab.dialects.registry import all_dialects
from streamlab.errors import UsageError
from streamlab.judging.analyzer import analyze
from streamlab.playback.personality import Personality, impersonated, personalities, personality
from streamlab.playback.ways import ONE_OF, WAYS
from streamlab.repairing.normalizer import errors_left, normalize
from tests import streams

CLEAN = {
    "text": streams.exchange(streams.sse(streams.chat_text())),
    "calls": streams.exchange(streams.sse(streams.chat_tools())),
    "usage": streams.exchange(streams.sse(streams.chat_usage()), request=streams.request_for(usage=True)),
}
#: Deviations that come with a failure, with what no clean stream has, or at a loss that no repair makes good.
NOT_SHOWN = {
    "content-after-finish", "empty-200", "error-code-shape", "error-midstream-standard", "error-string",
    "error-then-no-done", "finish-reason-missing", "gateway-masks-truncation", "http-status-200-on-error",
    "plain-text-in-data", "reasoning-field-variants", "tool-call-arguments-not-json", "tool-call-name-missing",
    "tool-call-parallel-lost", "truncated-chunked-body", "usage-missing-when-requested",
}  # fmt: skip
#: Rules that speak beside another of what is one deviation.
BESIDE = {
    "finish-reason-every-chunk": "finish-reason-on-content-chunk",
    "finish-reason-repeated": "finish-reason-every-chunk",
}


@pytest.fixture(scope="module")
def before():
    """What is said of each clean stream, and the answer it holds."""
    reports = {name: analyze(exchange) for name, exchange in CLEAN.items()}
    return {name: ({one.rule for one in report.findings}, report.completion) for name, report in reports.items()}


def test_every_witnessed_deviation_of_every_dialect_can_be_shown_or_is_known_not_to():
    witnessed = {rule for one in all_dialects() if one.witnessed for rule in one.deviations}
    assert witnessed == (set(WAYS) | NOT_SHOWN) & witnessed
    assert NOT_SHOWN.isdisjoint(WAYS)
    assert set(WAYS) <= set(by_name())
    assert set(personalities()) == {
        one.name for one in all_dialects() if one.witnessed and not NOT_SHOWN.issuperset(one.deviations)
    }


def _answer(completion, *, ids):
    """An answer without what a repair cannot know: usage that nobody asked for, and ids where there were none."""
    told = json.loads(json.dumps({**completion, "usage": None}))
    for call in told["tool_calls"] if not ids else ():
        call["id"] = None
    return told


@pytest.mark.parametrize("name", sorted(personalities()))
def test_a_system_shows_its_own_deviations_and_repairing_gives_the_answer_back(name, before):
    system, ever = personality(name), set()
    for kind, clean in CLEAN.items():
        known, answer = before[kind]
        played = impersonated(clean, system)
        report = analyze(played.exchange)
        found = {one.rule for one in report.findings} - known
        beside = {BESIDE[rule] for rule in played.shown if rule in BESIDE}
        assert set(played.shown) <= found <= set(played.shown) | beside | set(system.dialect.deviations), kind
        repaired = normalize(played.exchange)
        assert errors_left(repaired) == ()
        again = analyze(repaired.exchange)
        ids = "tool-call-id-missing" not in played.shown
        assert _answer(again.completion, ids=ids) == _answer(answer, ids=ids), kind
        left = {one.rule for one in again.findings} - known - {"choices-empty-non-usage"}  # a single one is left alone
        assert {by_name()[rule].repairability for rule in left} <= {"none"}, left
        ever.update(played.shown)
    assert ever == set(system.rules)


@pytest.mark.parametrize("rule", WAYS)
def test_each_way_shows_its_rule_alone(rule, before):
    alone = Personality(Dialect("one", "one", ()), (rule,))
    shown = 0
    for kind, clean in CLEAN.items():
        played = impersonated(clean, alone)
        found = {one.rule for one in analyze(played.exchange).findings} - before[kind][0]
        if played.shown:
            shown += 1
            assert found - {BESIDE.get(rule)} == {rule}, kind
        else:
            assert found == set(), kind
    assert shown


def test_of_ways_that_exclude_each_other_the_first_is_shown():
    listed = {rule: group for group in ONE_OF for rule in group}
    for one in personalities().values():
        groups = [listed[rule] for rule in one.rules if rule in listed]
        assert len(groups) == len(set(groups)), one.dialect.name


def test_what_is_no_clean_chat_stream_stays_as_it_is():
    glm4 = personality("glm4")
    for exchange in (
        streams.exchange(streams.sse(streams.chat_text(), done=False)),
        streams.exchange(b'{"error": {}}', status=500),
        streams.responses_exchange(streams.responses_sse(streams.responses_text())),
        streams.exchange(b"data: oops\n\ndata: [DONE]\n\n"),
        streams.exchange(b""),
    ):
        played = impersonated(exchange, glm4)
        assert (played.exchange, played.shown) == (exchange, ())


def test_a_system_is_found_by_any_spelling_and_a_stranger_is_told_the_nearest():
    assert personality("LLAMA_cpp").dialect.name == "llama.cpp"
    with pytest.raises(
        UsageError,
        match=r"no system is called 'glm5'; did you mean glm4\?; `streamlab replay TARGET --as help` lists them",
    ):
        personality("glm5")
