"""Breaks every rule on purpose and asks its tests whether they notice.

    python benchmarks/rule_mutations.py [--conditions [--families]] [RULE...]

Three ways to break a rule as a whole: it falls silent, it speaks where nothing is wrong, it has another severity.
``--conditions`` also turns each condition of its module into its opposite, one at a time. The judges are the tests
themselves: the fixtures of all rules and the known variants; with ``--families`` (slow) also the tests of the rule's
family, asked about what the others let pass. Exit code 1 when a whole rule can be broken unnoticed.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import streamlab.judging.analyzer as analyzer
from streamlab.apis.registry import all_rules, family_of
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity

_ROOT = Path(__file__).resolve().parent.parent
#: How a mutant gets into a pytest of its own: the rule's name, and the number of its condition.
_VARIABLE = "STREAMLAB_MUTANT"


class Mutant(NamedTuple):
    """A broken rule: ``how`` for people, ``make`` gives the class in place of the rule's own."""

    rule: str
    how: str
    number: int | None = None


def _silent(rule: type[Rule]) -> type[Rule]:
    nothing: dict[str, Any] = {hook: getattr(Rule, hook) for hook in ("head", "segment", "event", "shape", "end")}
    return type(rule.__name__, (rule,), nothing)


def _talkative(rule: type[Rule]) -> type[Rule]:
    def end(self: Rule, ending: Ending) -> Findings:
        yield from rule.end(self, ending) or ()
        yield self.found("a mutant speaks", path="(mutant)")

    return type(rule.__name__, (rule,), {"end": end})


def _otherwise_grave(rule: type[Rule]) -> type[Rule]:
    def found(self: Rule, message: str, at: int | None = None, **details: Any) -> Any:
        usual = Rule.found(self, message, at, **details)
        details["severity"] = Severity.INFO if usual.severity is not Severity.INFO else Severity.WARNING
        return Rule.found(self, message, at, **details)

    return type(rule.__name__, (rule,), {"found": found})


WHOLE: dict[str, Callable[[type[Rule]], type[Rule]]] = {
    "falls silent": _silent,
    "speaks where nothing is wrong": _talkative,
    "has another severity": _otherwise_grave,
}


class _Turned(ast.NodeTransformer):
    """Turns condition number ``number`` of a module into its opposite; counts them all."""

    def __init__(self, number: int) -> None:
        self.number, self.seen, self.line = number, -1, 0

    def _turn(self, node: Any) -> Any:
        self.generic_visit(node)
        self.seen += 1
        if self.seen == self.number:
            self.line = node.lineno
            node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        return node

    def visit(self, node: ast.AST) -> Any:
        return self._turn(node) if isinstance(node, ast.If | ast.IfExp | ast.While) else super().visit(node)


def _module_of(rule: type[Rule]) -> Path:
    return Path(sys.modules[rule.__module__].__file__ or "")


def conditions(rule: type[Rule]) -> int:
    """How many conditions the rule's module has."""
    count = _Turned(-1)
    count.visit(ast.parse(_module_of(rule).read_text(encoding="utf-8")))
    return count.seen + 1


def turned(rule: type[Rule], number: int) -> tuple[type[Rule], int]:
    """The rule with one condition turned, and the line it stands on."""
    path = _module_of(rule)
    turn = _Turned(number)
    tree = ast.fix_missing_locations(turn.visit(ast.parse(path.read_text(encoding="utf-8"))))
    module = ModuleType(rule.__module__)
    module.__file__ = str(path)
    exec(compile(tree, str(path), "exec"), module.__dict__)  # our own source, with one `not` more
    made: type[Rule] = getattr(module, rule.__name__)
    return made, turn.line


def _analyze_with(rules: tuple[type[Rule], ...]) -> None:
    vars(analyzer)["all_rules"] = lambda: rules


def install(name: str, number: int) -> None:
    """Put a mutant in the place of its rule, for every analysis of this process."""
    rules = all_rules()
    original = next(rule for rule in rules if rule.name == name)
    mutant, _ = turned(original, number)
    _analyze_with(tuple(mutant if rule is original else rule for rule in rules))


def pytest_configure() -> None:
    """This module is also the pytest plugin that installs a mutant."""
    name, _, number = os.environ[_VARIABLE].partition("#")
    install(name, int(number))


def _notice(original: type[Rule], mutant: type[Rule]) -> bool:
    """Whether a test fails with the mutant in the place of its rule."""
    test_rules, test_variants = import_module("tests.rules.test_rules"), import_module("tests.rules.test_variants")
    rules = all_rules()
    mine = sorted(rules, key=lambda rule: rule is not original)

    def judges() -> Iterator[Callable[[], None]]:
        for rule in mine:
            yield partial(test_rules.test_bad_yields_exactly_the_expected_findings, rule)
            yield partial(test_rules.test_good_is_silent, rule)
        for variant in test_variants.VARIANTS:
            yield partial(test_variants.test_the_owning_rule_speaks_and_no_other_cries_error, variant)

    _analyze_with(tuple(mutant if rule is original else rule for rule in rules))
    try:
        for judge in judges():
            try:
                judge()
            except Exception:  # a mutant may also crash: noticed
                return True
        return False
    finally:
        _analyze_with(rules)


def _family_notices(rule: type[Rule], number: int) -> bool:
    folder = f"tests/rules/{family_of(rule)}"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "benchmarks.rule_mutations", folder]
    done = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, _VARIABLE: f"{rule.name}#{number}"}, capture_output=True, check=False
    )
    return done.returncode == 1


def judge(name: str, with_conditions: bool, with_families: bool) -> list[tuple[str, str, bool]]:
    """(rule, what was done to it, whether a test noticed) for every mutant of one rule."""
    rule = next(one for one in all_rules() if one.name == name)
    told = [(name, how, _notice(rule, make(rule))) for how, make in WHOLE.items()]
    for number in range(conditions(rule) if with_conditions else 0):
        mutant, line = turned(rule, number)
        noticed = _notice(rule, mutant) or (with_families and _family_notices(rule, number))
        told.append((name, f"turns the condition in line {line}", noticed))
    return told


def main() -> None:
    """Judge, and print what went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*")
    parser.add_argument("--conditions", action="store_true")
    parser.add_argument("--families", action="store_true")
    asked = parser.parse_args()
    names = asked.rules or [rule.name for rule in all_rules()]
    told: list[tuple[str, str, bool]] = []
    with ProcessPoolExecutor() as pool:
        for some in pool.map(partial(judge, with_conditions=asked.conditions, with_families=asked.families), names):
            told += some
            for name, how, noticed in some:
                if not noticed:
                    print(f"unnoticed: {name} {how}", flush=True)
    whole = [one for one in told if one[1] in WHOLE]
    turns = [one for one in told if one[1] not in WHOLE]
    print(f"{len(names)} rules: {sum(one[2] for one in whole)} of {len(whole)} broken rules noticed")
    if turns:
        print(f"{sum(one[2] for one in turns)} of {len(turns)} turned conditions noticed")
    sys.exit(0 if all(one[2] for one in whole) else 1)


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    main()
