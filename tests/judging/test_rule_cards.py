"""What is known of rules before they are loaded is what their classes say; who is not asked had nothing to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.apis import APIS, UNKNOWN, registry
from streamlab.apis.registry import all_rules, cards_of, rules_of
from streamlab.exchange import Ending, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.rule_table import RuleTable
from streamlab.rules.card import RuleCard, row_of
from streamlab.rules.later import loaded
from streamlab.storage.bare_body import read_bare_body
from streamlab.storage.exchange_dir import read_exchange_dir

_ROOT = Path(__file__).resolve().parents[2]
_HOMES = ("streamlab.rules", *(f"streamlab.apis.{name}.rules" for name in ("chat", "responses", "anthropic")))


@pytest.mark.parametrize("api", [*APIS, UNKNOWN], ids=str)
def test_the_cards_of_an_api_are_those_of_its_rules_in_their_order(api):
    assert [card.rule for card in cards_of(api)] == list(rules_of(api))  # `RuleCard.rule` compares what they say


@pytest.mark.parametrize("home", _HOMES)
def test_cards_are_taken_as_they_are_written(home):
    assert registry._written_cards(home) is not None


def test_a_card_that_says_something_else_than_its_rule_is_out_of_date():
    rule = all_rules()[0]
    module, member, name, apis, on, *rest = row_of(rule)
    card = RuleCard((module, member, name, apis, on + 1, *rest), rule.__module__.rsplit(".", 2)[0])
    with pytest.raises(RuntimeError, match="make docs"):
        card.rule  # noqa: B018


def test_rules_without_cards_are_loaded():
    assert registry._written_cards("streamlab.apis.cohere.rules") is None
    assert [card.rule for card in registry._cards_by_loading("streamlab.rules")] == [
        rule for rule in all_rules() if rule.__module__.startswith("streamlab.rules.")
    ]


def test_who_is_not_asked_at_the_end_had_nothing_to_say(monkeypatch):
    usual, silent = RuleTable.for_end, []

    def for_end(table):
        asked = usual(table)
        others = [table._made[at] for at, after in table._end_places if after and at not in table._made]
        silent.extend(rule for rule in others for _ in rule.end(table._ctx.ending) or ())
        return asked

    monkeypatch.setattr(RuleTable, "for_end", for_end)
    for at, folder in enumerate(sorted((_ROOT / "fixtures" / "rules").glob("*/*/*"))):
        whole = read_exchange_dir(str(folder))
        analyze(whole)
        body, events = whole.body, whole.body.split(b"\n\n")
        halves = [body[: int(len(body) * part)] for part in (0.4, 0.6, 0.8)]  # as if it had ended there
        ends = [b"\n\n".join((events[0], *events[-count:])) for count in (2, 3, 4)]  # with nothing in between
        for part in (*halves, *ends)[at % 3 :: 3]:
            analyze(replace(whole, segments=(Segment(0, part),), http_chunks=None))
        analyze(replace(whole, ending=Ending.UPSTREAM_CUT))
        analyze(read_bare_body(body))
    assert [rule.name for rule in silent] == []


def test_a_clean_stream_loads_and_makes_few_rules(monkeypatch):
    made = []
    usual = RuleTable.for_end
    monkeypatch.setattr(RuleTable, "for_end", lambda table: (usual(table), made.append(len(table._made)))[0])
    body = _ROOT / "fixtures" / "rules" / "lifecycle" / "done_missing" / "good"
    analyze(read_exchange_dir(str(body)))
    assert made[0] < 100 < len(rules_of(next(api for api in APIS if api.folder == "chat")))


def test_every_shared_repair_is_found_by_its_name():
    for rule in all_rules():
        assert rule.repair is None or rule.name in loaded(rule.repair).rules
