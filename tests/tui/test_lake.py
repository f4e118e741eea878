"""A lake in the workbench: listed without a body being read, an exchange copied when it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.storage.capture_db import CaptureDB
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
