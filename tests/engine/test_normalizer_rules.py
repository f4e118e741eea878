"""Every rule that promises a repair: after it, the rule is silent, and mending once more changes nothing."""

from __future__ import annotations

import pytest

from streamlab.engine.analyzer import analyze
from streamlab.engine.normalizer import ENGINE_RULES, normalize, repair_classes
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.registry import all_rules, by_name
from streamlab.rules.repairs.base import ENVELOPE_KEYS, Repair
from tests import corpus, rule_fixtures
from tests.streams import call, chat_text, chunk, exchange, sse

REPAIRED = [rule for rule in all_rules() if rule.repair is not Mend.NONE]


def _promised(report, unsafe):
    can = {Mend.SAFE, Mend.UNSAFE} if unsafe else {Mend.SAFE}
    return {one.rule for one in report.findings if one.repair in can}


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@pytest.mark.parametrize("rule", REPAIRED, ids=lambda rule: rule.name)
def test_after_its_repair_a_rule_is_silent(rule, unsafe):
    exchange = corpus.load(rule_fixtures.folder(rule.name) / "bad")
    mended = normalize(exchange, unsafe=unsafe)
    still = {one.rule for one in analyze(mended.exchange).findings}
    assert not _promised(analyze(exchange), unsafe) & still
    assert normalize(mended.exchange, unsafe=unsafe).exchange.body == mended.exchange.body


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_mending_adds_no_error(rule):
    for kind in ("bad", "good"):
        exchange = corpus.load(rule_fixtures.folder(rule.name) / kind)
        before = {one.rule for one in analyze(exchange).findings}
        after = analyze(normalize(exchange).exchange).findings
        assert [one.message for one in after if one.severity is Severity.ERROR and one.rule not in before] == []


def test_every_promise_has_a_repair_and_every_repair_a_rule():
    named = {rule for repair in repair_classes(unsafe=True) for rule in repair.rules} | set(ENGINE_RULES)
    assert {rule.name for rule in REPAIRED} <= named
    assert named <= set(by_name())


def test_a_repair_that_guesses_mends_nothing_that_is_safe():
    for repair in repair_classes(unsafe=True):
        if not repair.safe:
            assert {by_name()[rule].repair for rule in repair.rules} == {Mend.UNSAFE}, repair.__name__


def test_what_holds_back_says_so():
    """A repair that implements ``end`` keeps something until then; it declares what."""
    for repair in repair_classes(unsafe=True):
        if repair.end is not Repair.end and repair.__name__ not in ("Ended", "ResponsesEvents"):  # these add an end
            assert repair.holds_back, repair.__name__


@pytest.mark.parametrize("rule", REPAIRED, ids=lambda rule: rule.name)
def test_a_rule_names_its_repair(rule):
    if rule.name not in ENGINE_RULES:
        assert rule.mending is not None
        assert rule.name in rule.mending.rules


_CALL = call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}')


def _with_calls(value):
    opened = chunk({"role": "assistant", "content": None})
    return exchange(sse([opened, chunk({"tool_calls": value}), chunk({}, "tool_calls")]))


@pytest.mark.parametrize("value", [_CALL, [None, _CALL], [_CALL, None]], ids=["object", "null first", "null last"])
def test_calls_are_put_into_an_array_of_objects(value):
    mended = normalize(_with_calls(value))
    assert mended.exchange.body == _with_calls([_CALL]).body
    assert mended.changes["tool-call-not-in-array"] == 1


@pytest.mark.parametrize("value", [5, True, "none", ["none"], [[_CALL]], [_CALL, 5]], ids=repr)
def test_what_is_no_call_is_left_where_it_stands(value):
    mended = normalize(_with_calls(value))
    assert mended.exchange.body == _with_calls(value).body
    assert [one.rule for one in mended.unmended] == ["tool-call-not-in-array"]


def test_text_beside_an_error_is_sent_before_it():
    error = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
    text = chat_text()
    both = exchange(sse([*text[:2], {**text[2], **error}]))
    bare = {key: text[2][key] for key in ENVELOPE_KEYS}
    mended = normalize(both).exchange
    assert mended.body == sse([*text[:2], text[2], {**bare, **error}])
    assert {one.rule for one in analyze(mended).findings} == {"error-midstream-standard"}


def _asked_for_nothing(arguments, *, at_once=False, reason="tool_calls", calls=1):
    """Calls whose arguments never come; ``at_once``: the finish_reason stands in the chunk of the last."""
    chunks = [
        chunk({"tool_calls": [call(at, f"call_{at:08}", "get_weather", arguments)]}, reason if at_once else None)
        for at in range(calls)
    ]
    return exchange(
        sse([chunk({"role": "assistant", "content": None}), *chunks, *([] if at_once else [chunk({}, reason)])])
    )


@pytest.mark.parametrize("arguments", ["", None])
@pytest.mark.parametrize("at_once", [False, True])
def test_arguments_that_stay_empty_become_an_object_on_request(arguments, at_once):
    bare = _asked_for_nothing(arguments, at_once=at_once)
    mended = normalize(bare, unsafe=True).exchange
    report = analyze(mended)
    assert [one["function"]["arguments"] for one in report.completion["tool_calls"]] == ["{}"]
    assert [one.message for one in report.findings if one.severity is not Severity.INFO] == []
    left = analyze(normalize(bare).exchange)
    assert [one["function"]["arguments"] for one in left.completion["tool_calls"]] == [""]
    assert [one.repair for one in left.findings if one.rule == "tool-call-arguments-null"] == [Mend.UNSAFE]


@pytest.mark.parametrize(("arguments", "reason", "calls"), [("", "length", 1), ("{}", "tool_calls", 80)])
def test_nothing_is_added_to_arguments_that_are_cut_or_there(arguments, reason, calls):
    whole = _asked_for_nothing(arguments, reason=reason, calls=calls)
    mended = normalize(whole, unsafe=True).exchange
    assert [one["function"]["arguments"] for one in analyze(mended).completion["tool_calls"]] == [arguments] * calls
