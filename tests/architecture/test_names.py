"""One class name for one thing: within a room and the rooms it imports, no two classes have the same name.

And no module imports itself, however long the way round is.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "streamlab"


class Read(NamedTuple):
    """What one module defines and imports; ``at_once`` is without what its functions import when called."""

    classes: tuple[str, ...]
    imports: frozenset[str]
    at_once: frozenset[str]


def _read(source: str, known: frozenset[str]) -> Read:
    module = ast.parse(source)
    classes = tuple(node.name for node in module.body if isinstance(node, ast.ClassDef))
    later = frozenset(_imported(module, known, at_once=False)) if "    from " in source else None
    at_once = frozenset(_imported(module, known, at_once=True))
    return Read(classes, at_once if later is None else later, at_once)


@pytest.fixture(scope="module")
def modules() -> dict[str, Read]:
    """Every module of the package, by its dotted name."""
    paths = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "drivers" in path.parts:  # programs of other environments: data here
            continue
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    known = frozenset(paths)
    return {name: _read(path.read_text(encoding="utf-8"), known) for name, path in paths.items()}


def _room(module: str) -> str:
    """The room a module stands in; the folder of an API is a room of its own."""
    parts = module.split(".")
    return ".".join(parts[1:3]) if parts[1:2] == ["apis"] else ".".join(parts[1:2])


def _imported(module: ast.AST, known: frozenset[str], *, at_once: bool) -> Iterator[str]:
    """Modules of the package that statements of a module import."""
    for node in ast.iter_child_nodes(module):
        if isinstance(node, ast.ImportFrom) and node.module in known:
            yield from (f"{node.module}.{name.name}" for name in node.names if f"{node.module}.{name.name}" in known)
            if any(f"{node.module}.{name.name}" not in known for name in node.names):
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.stmt | ast.ExceptHandler) and not (at_once and _runs_later(node)):
            yield from _imported(node, known, at_once=at_once)


def _runs_later(node: ast.AST) -> bool:
    typing_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _used_twice(modules: Mapping[str, Read]) -> list[str]:
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    classes: defaultdict[str, list[str]] = defaultdict(list)
    for name, module in modules.items():
        neighbours[_room(name)] |= {_room(other) for other in module.imports}
        for one in module.classes:
            classes[one].append(name)
    return [
        f"{name}: {one} and {other}"
        for name, where in classes.items()
        for one, other in combinations(where, 2)
        if _room(one) in neighbours[_room(other)] | {_room(other)} or _room(other) in neighbours[_room(one)]
    ]


def _circle(modules: Mapping[str, Read]) -> list[str]:
    order = TopologicalSorter({name: one.at_once for name, one in modules.items()})
    try:
        order.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _seeded(modules: Mapping[str, Read], **sources: str) -> dict[str, Read]:
    known = frozenset(modules) | {f"streamlab.judging.{name}" for name in sources}
    return {**modules, **{f"streamlab.judging.{name}": _read(source, known) for name, source in sources.items()}}


def test_no_class_name_stands_for_two_things(modules):
    assert _used_twice(modules) == []


def test_a_name_that_stands_for_two_things_is_found(modules):
    seeded = _seeded(modules, seeded="class Finding:\n    pass\n")
    assert _used_twice(seeded) == ["Finding: streamlab.rules.finding and streamlab.judging.seeded"]


def test_no_module_imports_itself_by_any_way_round(modules):
    assert _circle(modules) == []


def test_a_circle_is_found(modules):
    seeded = _seeded(
        modules,
        one="from streamlab.judging import two\n",
        two="from streamlab.judging.one import Something\n",
    )
    assert set(_circle(seeded)) == {"streamlab.judging.one", "streamlab.judging.two"}
