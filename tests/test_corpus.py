"""The corpus in the repository is whole, is ours to ship, and says nothing of the machines it was made on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests import corpus

ROOT = Path(__file__).parents[1]
FOLDERS = {"scenarios": 113, "seed-systems": 87, "protocols": 188, "reports": 156, "translated": 28, "real": 14}
TEXTS = sorted(path for path in corpus.CORPUS.rglob("*") if path.is_file())
#: Hosts that a reader can place: the loopback, and names reserved for examples.
_HOST = re.compile(rb"https?://(?!127\.0\.0\.1[:/\"]|localhost[:/]|[a-z.]*example(?:\.com)?[/\"])[^\s\"\\]+")
_HOME = re.compile(rb"(?<![\w.])/(?:home|root|work|Users|tmp|mnt|opt|srv)/[\w.-]+")
_SECRET = re.compile(rb"(?i)bearer (?!REDACTED)\w|\bsk-[A-Za-z0-9]{16}|x-(?:goog-)?api-key\", \"(?!REDACTED)")


@pytest.mark.parametrize(("folder", "count"), FOLDERS.items())
def test_it_is_whole(folder: str, count: int) -> None:
    assert len(corpus.directories(folder)) == count


def test_nothing_of_other_projects_is_in_it() -> None:
    assert {path.name for path in corpus.CORPUS.iterdir()} == {*FOLDERS, "README.md"}


@pytest.mark.parametrize(("name", "pattern"), [("host", _HOST), ("home", _HOME), ("secret", _SECRET)])
def test_it_names_no_machine_and_no_secret(name: str, pattern: re.Pattern[bytes]) -> None:
    found = {match for path in TEXTS if path.suffix != ".md" for match in pattern.findall(path.read_bytes())}
    assert found == set()


def test_the_package_does_not_ship_it_and_the_sources_do() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert built["wheel"] == {"packages": ["streamlab"]}
    assert "corpus" in built["sdist"]["include"]
