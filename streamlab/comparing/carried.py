"""Faults of the answer itself that a hop carried on: the model gave it so, whichever rule of which API speaks of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamlab.apis.registry import rule_named
from streamlab.comparing.answers import names_called, same_answer
from streamlab.comparing.reading import Item
from streamlab.exchange import Exchange
from streamlab.rules.request import RequestReading

#: What is held against the tools that the request offers, whatever else the answer says.
_OF_NAMES = "unknown-tool"


@dataclass(frozen=True, slots=True)
class BothAnswers:
    """What is known of the answers on both sides: whether they hold the same, and whether they call functions of the
    same names and were offered the same ones."""

    same: bool
    same_names: bool


def answers_of(a: Exchange, b: Exchange, mine: Sequence[Item], theirs: Sequence[Item]) -> BothAnswers:
    """Both answers, compared as clients hold them."""
    asked, came = RequestReading(a.request).tools, RequestReading(b.request).tools
    return BothAnswers(same_answer(mine, theirs), asked in (None, came) and names_called(mine) == names_called(theirs))


def fact_of(rule: str) -> str:
    """What a rule says of the answer itself; "" where it speaks of the form."""
    known = rule_named(rule)
    return known.answer_fact if known is not None else ""


def facts_of(rules: Iterable[str]) -> frozenset[str]:
    """What these rules say of the answer itself."""
    return frozenset(map(fact_of, rules)) - {""}


def is_carried(rule: str, facts_before: frozenset[str], answers: BothAnswers) -> bool:
    """Whether a rule that speaks behind the hop alone speaks of what was in front of it: another rule said so there,
    or the answer is the same; of calls that are held against the request, their names and what it offers."""
    fact = fact_of(rule)
    if not fact:
        return False
    return fact in facts_before or (answers.same_names if fact == _OF_NAMES else answers.same)
