"""docs/test-your-normalizer.md, followed: its code blocks are run as they stand there."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "test-your-normalizer.md"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "rules" / "lifecycle"


def _block(name: str) -> str:
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the page has no {name}"
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two fixtures: one that lacks only [DONE], and one that lacks a finish reason."""
    for name in ("done_missing", "finish_reason_empty_string"):
        shutil.copytree(FIXTURES / name / "bad", tmp_path / "fixtures" / name)
    return tmp_path


def _pytest(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "fixtures", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False).stdout


def _is_judged_rightly(output: str) -> None:
    assert re.search(r"done_missing/exchange.json::normalized PASSED", output), output
    assert re.search(r"finish_reason_empty_string/exchange.json::normalized FAILED", output), output
    assert "1 failed, 1 passed" in output


def test_the_function_in_python(folder: Path) -> None:
    (folder / "mine.py").write_text(_block("mine.py"))
    _is_judged_rightly(_pytest(folder, "--streamlab-normalizer", "mine:normalize"))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _node(folder: Path, upstream: int, port: int) -> Iterator[None]:
    (folder / "gateway.mjs").write_text(_block("gateway.mjs"))
    process = subprocess.Popen(["node", "gateway.mjs", f"http://127.0.0.1:{upstream}/v1", str(port)], cwd=folder)
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_gateway_in_another_language(folder: Path) -> None:
    upstream, port = _free_port(), _free_port()
    with _node(folder, upstream, port):
        output = _pytest(
            folder,
            *("--streamlab-gateway", f"http://127.0.0.1:{port}/v1"),
            *("--streamlab-upstream", f"127.0.0.1:{upstream}"),
        )
    _is_judged_rightly(output)
