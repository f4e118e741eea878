"""Statements of SQL as every Python takes them."""

from __future__ import annotations

import re
from pathlib import Path

import streamlab

_NUMBERED = re.compile(r"(?:=|GLOB|LIKE|LIMIT|VALUES \(|,) *\?\d")


def test_no_parameter_has_a_number():
    """Python 3.14 takes those for names and refuses the values in a sequence; 3.12 and 3.13 warn."""
    assert _NUMBERED.search("SELECT id FROM exchanges WHERE version = ?1")
    sources = Path(streamlab.__file__).parent.rglob("*.py")
    assert [str(path) for path in sources if _NUMBERED.search(path.read_text(encoding="utf-8"))] == []
