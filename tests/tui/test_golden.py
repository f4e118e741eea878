"""What the screens say, as text, at three sizes. ``STREAMLAB_UPDATE_GOLDEN=1 pytest tests/tui`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.driving import SIZES, of_chat

GOLDEN = Path(__file__).parent / "golden"


async def _list(driver):
    await driver.settle()


async def _filtered(driver):
    await driver.settle()
    driver.app.screen._apply("rule:tool-call-*")
    await driver.until(lambda: len(driver.app.watcher.ids) < 15)


async def _exchange(driver):
    driver.app.open_exchange(5)
    await driver.pilot.pause()
    await driver.settle()
    await driver.press("n")
    await driver.settle()


async def _ending(driver):
    driver.app.open_exchange(4)
    await driver.pilot.pause()
    await driver.settle()
    await driver.press("G", "b")
    await driver.settle()


async def _client(driver):
    driver.app.open_exchange(15)
    await driver.pilot.pause()
    await driver.settle()
    await driver.press(*"jjjjjjj", "c")
    await driver.settle()


async def _findings(driver):
    driver.app.open_exchange(4)
    await driver.pilot.pause()
    await driver.settle()
    await driver.press("f", "j")
    await driver.settle()


async def _compare(driver):
    driver.app.actions.open_comparison(10, 9)
    await driver.pilot.pause()
    await driver.settle()


async def _rule(driver):
    driver.app.show_rule("tool-call-id-unstable")
    await driver.pilot.pause()


async def _help(driver):
    driver.app.open_exchange(5)
    await driver.pilot.pause()
    await driver.settle()
    await driver.press("f1")


SCREENS = {
    "list": _list,
    "filtered": _filtered,
    "exchange": _exchange,
    "ending": _ending,
    "client": _client,
    "findings": _findings,
    "compare": _compare,
    "rule": _rule,
    "help": _help,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_says(run, database, name, size):
    said = []

    async def story(driver):
        await SCREENS[name](driver)
        await driver.pilot.pause()
        said.append(driver.text())

    run(story, db=database, size=size)
    text = said[0]
    path = GOLDEN / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("STREAMLAB_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines()


def test_no_golden_file_is_left_over():
    wanted = {f"{name}-{width}x{height}.txt" for name in SCREENS for width, height in SIZES}
    assert {path.name for path in GOLDEN.iterdir()} == wanted


def test_the_captures_are_the_shipped_ones():
    assert len(of_chat()) == 15
