"""tools/compare_commits.py: alike is alike, and a change of one rule's severity is told with its place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_RULE = Path("streamlab/apis/chat/rules/lifecycle/done_missing.py")


def _compare(before: Path, after: Path, over: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_ROOT / "tools/compare_commits.py"), str(before), str(after), "--over", str(over)]
    return subprocess.run(command, capture_output=True, text=True)


def test_one_version_is_like_itself_and_another_is_not(tmp_path: Path) -> None:
    shutil.copytree(_ROOT / "streamlab", tmp_path / "streamlab", ignore=shutil.ignore_patterns("__pycache__"))
    over = _ROOT / "fixtures/rules/lifecycle/done_missing"
    alike = _compare(_ROOT, tmp_path, over)
    assert (alike.returncode, alike.stdout.strip()) == (0, "0 of 2 exchanges differ"), alike.stderr

    rule = tmp_path / _RULE
    text = rule.read_text(encoding="utf-8")
    assert "Severity.WARNING" in text
    rule.write_text(text.replace("Severity.WARNING", "Severity.INFO"), encoding="utf-8")
    differs = _compare(_ROOT, tmp_path, over)
    assert differs.returncode == 1
    assert "done_missing/bad" in differs.stdout
    assert {'-     "severity": "warning",', '+     "severity": "info",'} <= {
        line[4:] for line in differs.stdout.splitlines()
    }
    assert "1 of 2 exchanges differ\n  check.report: 1" in differs.stdout


def test_what_is_no_version_is_one_line(tmp_path: Path) -> None:
    failed = _compare(tmp_path, _ROOT, tmp_path)
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1
