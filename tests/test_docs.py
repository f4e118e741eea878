"""The generated docs say what the code says: a page for every rule, every command, every repair."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from streamlab import cli
from streamlab.apis.registry import all_rules

ROOT = Path(__file__).parents[1]
_DOCS = ROOT / "docs"


def test_generated_docs_are_in_step():
    pages = runpy.run_path(str(_DOCS / "generate.py"))["pages"]()
    stale = [path.name for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
    assert stale == [], "run `make docs`"
    assert {path.stem for path in (_DOCS / "rules").glob("*.md")} - {"README"} == {rule.name for rule in all_rules()}


def test_the_readme_names_every_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in cli.COMMANDS if f"`{name}`" not in readme]
    assert missing == []


def test_links_in_the_docs_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []
