"""A lake in the workbench: listed without a body being read, an exchange copied when it is opened."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from array import array
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.lake_link import PendingAnswer
from streamlab.tui.lake_reader import _parts
from streamlab.tui.lake_watcher import LakeWatcher
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def lake(shipped, tmp_path_factory) -> Path:
    """The shipped captures of chat, judged."""
    from streamlab.storage.lake.place import LakePlace
    from streamlab.workflows import fleet

    path = tmp_path_factory.mktemp("workbench") / "lake"
    place = LakePlace(str(path))
    fleet.add([str(shipped)], place, recorder=None, masking=None, advance=lambda: None, warn=pytest.fail)
    fleet.Lake(place, pytest.fail).judge(fleet.LocalEngine(), pytest.fail)
    return path


def test_listed_filtered_opened_marked_and_left(run, lake):
    there = {path: path.read_bytes() for path in lake.rglob("*.parquet")}

    async def story(driver):
        watcher, app = driver.app.watcher, driver.app
        await driver.settle()
        assert "15 exchanges" in driver.text()
        assert "tool-call-id-unstable" in driver.text()
        with CaptureDB(app.opened.path) as copied:
            assert list(copied.ids()) == []
        await driver.press("slash")
        app.screen.query_one("Input").value = "rule:tool-call-id-*"
        await driver.press("enter")
        await driver.until(lambda: len(watcher.ids) == 2)
        await driver.press("down", "enter")
        await driver.until(lambda: isinstance(app.screen, ExchangeScreen))
        await driver.settle()
        assert "tool-call-id-unstable" in driver.text()
        await driver.press("left_curly_bracket")
        await driver.until(lambda: driver.exchange.viewed.id == watcher.ids[0])
        await driver.settle()
        with CaptureDB(app.opened.path) as copied:
            assert sorted(copied.ids()) == sorted(watcher.ids)
        await driver.press("q")
        await driver.until(lambda: isinstance(app.screen, ExchangesScreen))
        await driver.press("m")
        assert watcher.rows([watcher.ids[1]])[watcher.ids[1]].marks == 1

    run(story, target=f"lake:{lake}")
    assert {path: path.read_bytes() for path in lake.rglob("*.parquet")} == there


def test_what_cannot_be_read_any_more_is_told(run, lake, tmp_path):
    import shutil

    copy = Path(shutil.copytree(lake, tmp_path / "lake"))

    async def story(driver):
        await driver.settle()
        for path in (copy / "exchanges").rglob("*.parquet"):
            path.write_bytes(b"PAR1 torn")
        await driver.press("enter")
        await driver.until(lambda: "torn or damaged" in driver.text())
        assert isinstance(driver.app.screen, ExchangesScreen)

    run(story, target=f"lake:{copy}")


def test_the_workbench_itself_loads_nothing_that_reads_parquet(lake, tmp_path):
    story = """
import sys
from pathlib import Path
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.lake_watcher import LakeWatcher
path = Path(sys.argv[1])
CaptureDB(path, write=True).close()
watcher = LakeWatcher(path, sys.argv[2])
count, first = watcher.first(3)
watcher.refresh()
assert list(watcher.ids[:3]) == list(first) and count == len(watcher.ids) == 15, (count, first)
assert set(watcher.rows(list(first))) == set(first)
assert len(watcher.exchange(first[0]).body) > 0
watcher.close()
print(sorted({"pyarrow", "duckdb", "fsspec"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", story, str(tmp_path / "copied.db"), f"lake:{lake}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_reader_that_is_killed_is_told_and_hangs_nothing(lake, tmp_path):
    path = tmp_path / "copied.db"
    CaptureDB(path, write=True).close()
    watcher = LakeWatcher(path, f"lake:{lake}")
    try:
        watcher.refresh()
        watcher._link._process.kill()
        watcher._link._process.wait()
        assert watcher.rows(list(watcher.ids)) == {}
        watcher.filter = "model:glm"
        with pytest.raises(CouldNotRunError, match="has stopped unexpectedly"):
            watcher.load_ids()
        with pytest.raises(CouldNotRunError, match="has stopped unexpectedly"):
            watcher.bring(watcher.ids[0])
    finally:
        watcher.close()


def test_the_reader_ends_with_whoever_started_it(lake):
    story = """
import os, sys
from streamlab.tui.lake_link import LakeLink
link = LakeLink(sys.argv[1])
link.ask("opened").wait()
print(link._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", story, f"lake:{lake}"], capture_output=True, text=True, check=False)
    end = time.monotonic() + 60
    while _runs(int(done.stdout)) and time.monotonic() < end:
        threading.Event().wait(0.02)
    assert not _runs(int(done.stdout))


def _runs(pid: int) -> bool:
    try:
        return "lake_reader" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("count", [0, 1, 65_536, 65_537, 200_000])
def test_many_numbers_come_in_pieces_and_are_whole(count):
    numbers = array("i", range(count))
    asked = PendingAnswer()
    for part, more in _parts(numbers):
        assert len(part) <= 65_536
        asked.take(part, more)
    assert asked.wait() == numbers
