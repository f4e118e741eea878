"""What would be published: one name, one version, one address, and a page whose links lead somewhere."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml

from streamlab import __version__
from streamlab.about import DISTRIBUTION, REPOSITORY, page, requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_name_address_and_version_are_the_same_everywhere():
    assert PROJECT["project"]["name"] == DISTRIBUTION
    assert all(url.startswith(REPOSITORY) for url in PROJECT["project"]["urls"].values())
    heads = re.findall(r"^## ([0-9][^ \n]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heads[0] == __version__
    assert requirement("web") == f"{DISTRIBUTION}[web] @ git+{REPOSITORY}"
    assert (ROOT / page("docs/checking.md").partition("/main/")[2]).is_file()


def test_nobody_is_sent_to_a_strangers_package():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "streamlab").rglob("*.py")]
    wrong = re.compile(r"pip install ['\"]?streamlab(?!-)|pypi\.org/project/streamlab(?!-)")
    assert [str(one) for one in pages if wrong.search(one.read_text(encoding="utf-8"))] == []


def test_nobody_is_sent_to_a_package_that_is_not_published_yet():
    """Whatever names the package to pip says where it is: the repository."""
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "streamlab").rglob("*.*")]
    asked = re.compile(rf"pip install ['\"]?{DISTRIBUTION}(?!(?:\[\w+\])? @ git\+)")
    texts = ((one, one.read_text(encoding="utf-8")) for one in files if one.suffix in (".md", ".py", ".jinja", ".txt"))
    assert [str(one) for one, text in texts if asked.search(text)] == []


def test_on_a_package_page_every_link_of_the_readme_has_an_address():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rules = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    for rule in rules:
        text = re.sub(rule["pattern"], rule["replacement"], text)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 8
    for link in links:
        assert link.startswith("https://"), link
        if link.startswith(REPOSITORY) or "raw.githubusercontent" in link:
            assert (ROOT / link.partition("/main/")[2].partition("#")[0]).exists(), link
    assert "](https://raw.githubusercontent.com/" in text, "the picture"


@pytest.mark.parametrize("name", ["action.yml", ".pre-commit-hooks.yaml", ".github/workflows/release.yml"])
def test_files_for_ci_are_yaml_and_call_what_there_is(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"run: make (\w+)", text):
        assert f"\n{target}:" in makefile
    for option in re.findall(r" (--[a-z-]+)", text):
        assert option in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") or option == "--quiet"


def test_every_floor_is_one_that_can_be_tried():
    floors = runpy.run_path(str(ROOT / "tools" / "floors.py"))["floors"]()
    assert {one.partition("==")[0] for one in floors} >= {"click", "textual", "pyyaml", "platformdirs"}
    assert len(floors) == len(PROJECT["project"]["dependencies"])


def test_what_the_web_extra_imports_it_declares():
    named = {re.match(r"[a-z0-9-]+", one)[0] for one in PROJECT["project"]["optional-dependencies"]["web"]}  # type: ignore[index]
    assert named == {"aiohttp", "jinja2", "textual-serve"}
