"""A command that is done ends at once, and nothing is lost by it: neither output nor what was to be done at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_GOOD = str(_ROOT / "corpus" / "seed-systems" / "glm4-1de40b0-tool")
#: Says at its end whether modules were taken apart.
_COMMAND = """
import atexit, os, sys, threading, time
class Taken:
    def __del__(self, write=os.write):
        write(2, b"taken apart")
taken = Taken()
{before}
from streamlab.cli import main
main({argv})
"""


def _ran(before: str, *args: str, argv: str = "", **options):
    command = [sys.executable, "-c", _COMMAND.format(before=before, argv=argv), *args]
    return subprocess.run(command, stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("command", ["check", "show", "rule"])
def test_it_ends_at_once_with_its_code_and_all_of_its_output(command):
    args = (command, "done-missing" if command == "rule" else _GOOD)
    at_once, whole = _ran("", *args), _ran("", *args, argv="sys.argv[1:]")
    assert whole.stderr == b"taken apart"
    assert at_once.stderr == b""
    assert (at_once.returncode, at_once.stdout) == (whole.returncode, whole.stdout)
    assert at_once.stdout


def test_what_was_to_be_done_at_the_end_is_done():
    done = _ran("atexit.register(print, 'goodbye')", "check", _GOOD)
    assert done.stdout.splitlines()[-1] == b"goodbye"
    assert done.returncode == 1


@pytest.mark.parametrize(
    "before",
    [
        "threading.Thread(target=lambda: (time.sleep(2), os.write(2, b'thread '))).start()",
        "sys.setprofile(lambda *_: None)",
        "import multiprocessing",
    ],
)
def test_where_somebody_else_is_at_work_it_waits_for_the_ordinary_end(before):
    assert _ran(before, "check", _GOOD).stderr.endswith(b"taken apart")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_a_full_disk_is_told():
    with open("/dev/full", "wb") as full:
        done = _ran("", "check", _GOOD, "--json", stdout=full)
    assert done.returncode == 3
    assert b"No space left" in done.stderr


def test_nobody_who_reads_is_no_failure():
    read, write = os.pipe()
    os.close(read)
    done = _ran("", "check", _GOOD, "--json", stdout=write)
    os.close(write)
    assert done.returncode == 0


def test_a_database_is_closed(tmp_path):
    db = str(tmp_path / "c.db")
    streamlab = [sys.executable, "-m", "streamlab"]
    subprocess.run([*streamlab, "import", _GOOD, "--db", db], check=True, capture_output=True)
    for args in (("ls", "--db", db), ("check", db), ("show", f"{db}#1")):
        subprocess.run([*streamlab, *args], capture_output=True)
        assert sorted(os.listdir(tmp_path)) == ["c.db"]


@pytest.mark.skipif(os.name != "posix", reason="a shell's way to close")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("check GOOD", 0),
        ("check GOOD --format json", 0),
        ("check gone", 2),
        ("check -", 2),
        ("ls --db gone.db", 2),
        ("show GOOD --json", 0),
        ("normalize GOOD", 0),
        ("rules", 0),
    ],
)
def test_what_the_shell_closed_leads_nowhere(tmp_path, closed, words, code):
    line = f"{sys.executable} -m streamlab {words.replace('GOOD', 'captures/openai-plain')} {closed}"
    ran = subprocess.run(line, shell=True, cwd=_ROOT, capture_output=True, input=b"no event")
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False)


@pytest.mark.skipif(os.name != "posix", reason="a shell's way to close")
def test_no_file_gets_the_number_of_what_was_closed():
    look = "import os, sys; from streamlab import cli; cli._lead_closed_nowhere()"
    look += "; print(os.open(os.devnull, 0), file=sys.stderr)"
    ran = subprocess.run(f'{sys.executable} -c "{look}" >&- <&-', shell=True, capture_output=True)
    assert int(ran.stderr) > 2
