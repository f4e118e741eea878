"""Where the disk is full nothing half is left, what was there is there still, and it is said in one line.

No disk has to be full for it: a process may be held to files of a few bytes (`ulimit -f`), and then the system refuses
what is beyond in the same way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError
from streamlab.storage import files
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams

resource = pytest.importorskip("resource")
ROOT = Path(__file__).parents[2]
_CLEAN, _BROKEN = str(ROOT / "captures/openai-plain"), str(ROOT / "captures/glm4-tool-ids")
#: Less than each of these wants to write.
_BYTES = 600
_HELD = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({_BYTES}, {_BYTES}))
from streamlab.cli import main
main()
"""


@pytest.mark.parametrize(
    "words",
    [
        ["export", _CLEAN, "--as", "html", "--to", "bug.html"],
        ["export", _CLEAN, "--to", "out"],
        ["export", _CLEAN, "--as", "har", "--to", "out"],
        ["bundle", _CLEAN, "-o", "x.slab"],
        ["normalize", _BROKEN, "-o", "mended.sse"],
        ["normalize", _BROKEN, "-o", "mended.db"],
        ["redact", _CLEAN, "-o", "clean.sse"],
        ["import", _CLEAN, "--db", "new.db"],
        ["trend", str(ROOT / "captures"), "--format", "csv", "-o", "trend.csv"],
    ],
    ids=lambda words: " ".join(Path(word).name for word in words),
)
def test_no_half_of_a_file_stays(tmp_path: Path, words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _HELD, *words],
        cwd=tmp_path,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("streamlab: ")
    assert "Errno" not in ran.stderr
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_what_was_there_is_there_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mended.sse"
    files.write_regular(path, b"good")
    path.chmod(0o640)
    files.write_regular(path, b"better")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"better", 0o640)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "chmod", full)
    with pytest.raises(CouldNotRunError, match=r"mended\.sse: no space left on device"):
        files.write_regular(path, b"half")
    with pytest.raises(CouldNotRunError, match="no space left on device"):
        write_exchange_dir(streams.exchange(b""), tmp_path / "one")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("mended.sse", b"better")]
