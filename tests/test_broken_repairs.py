"""Breaking any one repair makes our own fixtures fail, by a message that names the repair, event and difference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from streamlab.apis.registry import repair_classes
from streamlab.rules.repair import Repair
from streamlab.workflows.regression.fixture import Fixture, read_fixture
from streamlab.workflows.regression.judging import Mismatch, check_normalized
from streamlab.workflows.regression.machines import our_machine
from tests.examples import RANDOM

FIXTURES = Path(__file__).parents[1] / "fixtures"
SAFE = repair_classes()


@cache
def _findings() -> list[tuple[Path, frozenset[str]]]:
    """Every fixture and the rules it shows."""
    found = []
    for listed in sorted(FIXTURES.rglob("findings.json")):
        rules = {one["rule"] for one in json.loads(listed.read_text(encoding="utf-8"))}
        found.append((listed.parent, frozenset(rules)))
    return found


def _likely(repair: type[Repair]) -> Iterator[Fixture]:
    """Fixtures that this repair may have a part in: first those that show what it mends, then all others.

    The others only in `make fuzz` where none is known to notice.
    """
    showing = [home for home, rules in _findings() if rules & set(repair.rules)]
    others = [home for home, _ in _findings() if home not in showing]
    for home in (*showing, *(others if RANDOM or repair.__name__ not in _UNNOTICED else ())):
        yield read_fixture(home)


def _failures(repair: type[Repair]) -> Iterator[Mismatch]:
    for fixture in _likely(repair):
        mismatch = check_normalized(fixture, our_machine)
        if mismatch is not None:
            yield mismatch


def _break(repair: type[Repair], monkeypatch: pytest.MonkeyPatch) -> None:
    """It lets every event pass, adds nothing at the end, and holds nothing back."""
    monkeypatch.setattr(repair, "event", lambda self, draft: (draft,))
    monkeypatch.setattr(repair, "end", lambda self, ending: ())
    monkeypatch.setattr(repair, "release", lambda self: ())


#: Broken, it is hidden by another repair.
_UNNOTICED = {"LateFinish"}
_NOTICED = [
    pytest.param(one, marks=[pytest.mark.xfail(strict=True)] if one.__name__ in _UNNOTICED else []) for one in SAFE
]


@pytest.mark.sweep
@pytest.mark.parametrize("repair", _NOTICED, ids=lambda repair: repair.__name__)
def test_a_repair_that_does_nothing_is_named(repair: type[Repair], monkeypatch: pytest.MonkeyPatch) -> None:
    _break(repair, monkeypatch)
    message = str(next(_failures(repair), "no fixture noticed"))
    assert re.search(rf"\b{repair.__name__}\b", message)
    assert any(rule in message for rule in repair.rules)
    assert re.search(r"^event \d+$", message, re.MULTILINE)
    assert re.search(r"^  [-+] ", message, re.MULTILINE)


@pytest.mark.parametrize("repair", SAFE, ids=lambda repair: repair.__name__)
def test_every_rule_with_a_repair_has_a_fixture_that_needs_it(repair: type[Repair]) -> None:
    shown = set().union(*(rules for _, rules in _findings()))
    assert [rule for rule in repair.rules if rule not in shown] == []
