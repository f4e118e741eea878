"""Every rule that promises a repair: after it, the rule is silent, and mending once more changes nothing."""

from __future__ import annotations

from itertools import product

import pytest

from streamlab.apis.registry import all_rules, by_name, repair_classes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.engine_rules import ENGINE_RULES
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import ENVELOPE_KEYS, Repair
from tests import corpus, rule_fixtures
from tests.batches import batched
from tests.streams import call, chat_text, chat_tool, chunk, exchange, frame, sse

REPAIRED = [rule for rule in all_rules() if rule.repairability.mends]


def _promised(report, unsafe):
    can = {Repairability.SAFE, Repairability.UNSAFE} if unsafe else {Repairability.SAFE}
    return {one.rule for one in report.findings if one.repairability in can}


@batched("rule, unsafe", product(REPAIRED, (False, True)), parts=2)
def test_after_its_repair_a_rule_is_silent(rule, unsafe):
    exchange = corpus.load(rule_fixtures.folder(rule.name) / "bad")
    repaired = normalize(exchange, unsafe=unsafe)
    still = {one.rule for one in analyze(repaired.exchange).findings}
    assert not _promised(analyze(exchange), unsafe) & still
    assert normalize(repaired.exchange, unsafe=unsafe).exchange.body == repaired.exchange.body


@batched("rule", all_rules(), parts=2)
def test_repairing_adds_no_error(rule):
    for kind in ("bad", "good"):
        exchange = corpus.load(rule_fixtures.folder(rule.name) / kind)
        before = {one.rule for one in analyze(exchange).findings}
        after = analyze(normalize(exchange).exchange).findings
        assert [one.message for one in after if one.severity is Severity.ERROR and one.rule not in before] == []


_PAYLOADS = [b"{oops", b" {oops }", b"{", b"oops", b"[x", b"{'a': 1}", b'{"a"', b"b'x'"]


@pytest.mark.parametrize("at", [2, 4, 5])
@pytest.mark.parametrize("payload", _PAYLOADS)
def test_what_is_no_json_is_promised_and_placed_as_it_is_treated(payload, at):
    frames = [frame(one) for one in chat_text("a", "b", "c")]
    frames.insert(at, b"data: " + payload + b"\n\n")
    broken = exchange([b"".join(frames) + b"data: [DONE]\n\n"])
    repaired, report = normalize(broken), analyze(broken)
    still = {one.rule for one in analyze(repaired.exchange).findings}
    assert not _promised(report, False) & still
    assert [one.event for one in repaired.unrepaired] == [one.event for one in report.findings if one.event] == [at]


def test_every_promise_has_a_repair_and_every_repair_a_rule():
    named = {rule for repair in repair_classes(unsafe=True) for rule in repair.rules} | set(ENGINE_RULES)
    assert {rule.name for rule in REPAIRED} <= named
    assert named <= set(by_name())


def test_a_repair_that_guesses_repairs_nothing_that_is_safe():
    for repair in repair_classes(unsafe=True):
        if not repair.safe:
            assert {by_name()[rule].repairability for rule in repair.rules} == {Repairability.UNSAFE}, repair.__name__


def test_what_holds_back_says_so():
    """A repair that implements ``end`` keeps something until then; it declares what."""
    for repair in repair_classes(unsafe=True):
        if repair.end is not Repair.end and repair.__name__ not in ("Ended", "ResponsesEvents"):  # these add an end
            assert repair.holds_back, repair.__name__


@batched("rule", REPAIRED)
def test_a_rule_names_its_repair(rule):
    if rule.name not in ENGINE_RULES:
        assert rule.repair is not None
        assert rule.name in rule.repair.rules


_CALL = call(0, "call_a1B2c3D4", "get_weather", '{"city":"Oslo"}')


def _with_calls(value):
    opened = chunk({"role": "assistant", "content": None})
    return exchange(sse([opened, chunk({"tool_calls": value}), chunk({}, "tool_calls")]))


@pytest.mark.parametrize("value", [_CALL, [None, _CALL], [_CALL, None]], ids=["object", "null first", "null last"])
def test_calls_are_put_into_an_array_of_objects(value):
    repaired = normalize(_with_calls(value))
    assert repaired.exchange.body == _with_calls([_CALL]).body
    assert repaired.changes["tool-call-not-in-array"] == 1


@pytest.mark.parametrize("value", [5, True, "none", ["none"], [[_CALL]], [_CALL, 5]], ids=repr)
def test_what_is_no_call_is_left_where_it_stands(value):
    repaired = normalize(_with_calls(value))
    assert repaired.exchange.body == _with_calls(value).body
    assert [one.rule for one in repaired.unrepaired] == ["tool-call-not-in-array"]


def test_text_beside_an_error_is_sent_before_it():
    error = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
    text = chat_text()
    both = exchange(sse([*text[:2], {**text[2], **error}]))
    bare = {key: text[2][key] for key in ENVELOPE_KEYS}
    repaired = normalize(both).exchange
    assert repaired.body == sse([*text[:2], text[2], {**bare, **error}])
    assert {one.rule for one in analyze(repaired).findings} == {"error-midstream-standard"}


@pytest.mark.parametrize("arguments", ["", None])
def test_arguments_that_stay_empty_are_no_promise(arguments):
    opened, bare = chunk({"role": "assistant", "content": None}), call(0, "call_a1B2c3D4", "get_weather", arguments)
    empty = exchange(sse([opened, chunk({"tool_calls": [bare]}), chunk({}, "tool_calls")]))
    for one in (empty, normalize(empty).exchange):
        found = [
            finding.repairability for finding in analyze(one).findings if finding.rule == "tool-call-arguments-null"
        ]
        assert found == [Repairability.NONE]


@pytest.mark.parametrize("first", ["{", '{"', '{"c', '{"ci'])
def test_cumulative_arguments_are_taken_apart_from_the_first_piece_on(first):
    repaired = normalize(exchange(sse(chat_tool(first, '{"city":', '{"city":"Oslo"}')))).exchange
    assert repaired.body == sse(chat_tool(first, '{"city":'.removeprefix(first), '"Oslo"}'))


def test_a_key_that_looks_like_a_beginning_is_kept():
    odd = exchange(sse(chat_tool('{"', '{":1}')))
    assert normalize(odd).exchange.body == odd.body
