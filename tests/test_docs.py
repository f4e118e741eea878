"""The generated docs say what the code says: a page for every rule, every command, every repair."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from rich.console import Console

from streamlab import cli
from streamlab.apis.registry import all_rules, by_name
from streamlab.report.markdown_cell import without_tags
from streamlab.report.rule_page import print_rule

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


def test_tags_in_pages_are_text():
    """Markdown swallows what looks like a tag: what a client holds after ``<think>`` would read as "after ,"."""
    pages = runpy.run_path(str(_DOCS / "generate.py"))["pages"]()
    mine = [(path.name, text) for path, text in pages.items() if path.suffix == ".md"]
    mine += [(path.name, path.read_text("utf-8")) for path in _DOCS.rglob("*.md") if path not in pages]
    assert [name for name, text in mine if without_tags(text) != text] == []
    assert without_tags("a <think> b `<think>` <!-- c --> <https://d>\n```\n<x>\n```\n") == (
        "a &lt;think> b `<think>` <!-- c --> <https://d>\n```\n<x>\n```\n"
    )
    console = Console(width=200)
    with console.capture() as shown:
        print_rule(console, by_name()["reasoning-field-variants"])
    assert re.search(r"stays in the text\s+as\s+<think>,", shown.get())
