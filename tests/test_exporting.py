"""Exports from the command line: fixtures that pass, and test modules that pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from tests import streams
from tests.examples import RANDOM

CAPTURES = Path(__file__).parents[1] / "captures"
SHIPPED = sorted(str(home.parent) for home in CAPTURES.glob("*/exchange.json"))
RULES = Path(__file__).parents[1] / "fixtures" / "rules"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.sweep
def test_what_is_exported_passes_as_fixtures_and_as_a_test_module(tmp_path: Path) -> None:
    bad = sorted(str(home.parent) for home in RULES.glob("[jlr]*/*/bad/exchange.json"))[:: 1 if RANDOM else 4]
    done = run(tmp_path, "streamlab", "export", *SHIPPED, *bad, "--to", "fixtures", "--pytest", "test_streams.py")
    assert done.returncode == 0, done.stderr
    *homes, module = done.stdout.splitlines()
    assert len(homes) == len(SHIPPED) + len(bad)
    assert module == "test_streams.py"
    tested = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "fixtures", "test_streams.py")
    assert tested.returncode == 0, tested.stdout
    assert f"{3 * len(homes)} passed" in tested.stdout


def test_a_test_module_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("precious")
    done = run(tmp_path, "streamlab", "export", SHIPPED[0], "--to", "out", "--pytest", "test_mine.py")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (tmp_path / "test_mine.py").read_text() == "precious"
    assert not (tmp_path / "out").exists()


def test_a_test_module_wants_fixtures(tmp_path: Path) -> None:
    done = run(tmp_path, "streamlab", "export", SHIPPED[0], "--to", "out", "--as", "har", "--pytest", "test_mine.py")
    assert done.returncode == 2
    assert "fixtures only" in done.stderr


def test_text_of_a_stream_stays_text_in_the_module(tmp_path: Path) -> None:
    nasty = 'Ende"""\n\'\\ import os \u202e {0} %s'
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text(nasty))), tmp_path / "a b'c")
    done = run(tmp_path, "streamlab", "export", "a b'c", "--to", "out", "--pytest", "tests/test_it.py")
    assert done.returncode == 0, done.stderr
    tested = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "tests/test_it.py")
    assert "1 passed" in tested.stdout
    assert "\u202e" not in (tmp_path / "tests/test_it.py").read_text()


@pytest.mark.parametrize("name", ["CON", "a/../../b", "\x1b[31m", "é" * 300, "", ".hidden", "trailing. "])
def test_names_are_safe_on_any_file_system(tmp_path: Path, name: str) -> None:
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text()), label=name), tmp_path / "in")
    done = run(tmp_path, "streamlab", "export", "in", "--to", "out")
    (home,) = (tmp_path / "out").iterdir()
    assert done.stdout.strip() == f"out/{home.name}"
    assert home.name.isascii()
    assert home.name.replace("-", "").replace(".", "").isalnum()
    assert read_exchange_dir(home).label == name
