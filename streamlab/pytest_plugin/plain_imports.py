"""Our modules loaded as any others: pytest would have its own way with those of a plugin, for the sake of assertions
that they might make about a test, and that takes twice as long."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

import pytest

_OURS = f"{__name__.partition('.')[0]}."


class _PlainImports:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(_OURS) else None


def import_plainly(config: pytest.Config) -> None:
    """From here on, until the run ends."""
    sys.meta_path.insert(0, _PlainImports)
    config.add_cleanup(lambda: sys.meta_path.remove(_PlainImports))
