"""The generated docs say what the code says: a page for every rule, every command, every repair."""

from __future__ import annotations

import runpy
from pathlib import Path

from streamlab.rules.registry import all_rules

_DOCS = Path(__file__).parents[1] / "docs"


def test_generated_docs_are_in_step():
    pages = runpy.run_path(str(_DOCS / "generate.py"))["pages"]()
    stale = [path.name for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert stale == [], "run `make docs`"
    assert {path.stem for path in (_DOCS / "rules").glob("*.md")} - {"README"} == {rule.name for rule in all_rules()}
