"""The command palette: every entry of every screen can be run."""

from __future__ import annotations

import re

import pytest

from streamlab.tui.commands import EVERYWHERE, ON_EXCHANGE, ON_LIST, commands_for
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen


@pytest.mark.parametrize("command", [*ON_LIST, *ON_EXCHANGE, *EVERYWHERE], ids=lambda one: one.name)
def test_names_are_noun_colon_action(command):
    assert re.fullmatch(r"[a-z]+: [a-z -]+", command.name)
    assert command.what


def test_every_entry_runs(run, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def story(driver):
        await driver.settle()
        for screen, commands in (("list", ON_LIST), ("exchange", ON_EXCHANGE), ("any", EVERYWHERE)):
            for command in commands:
                if command.action == "app.leave":
                    continue
                await _back(driver, screen)
                await driver.app.run_command(driver.app.screen, command.action)
                await driver.pilot.pause()
        assert driver.app.is_running
        assert list(tmp_path.glob("*.svg"))

    async def _back(driver, screen):
        wanted = ExchangesScreen if screen == "list" else ExchangeScreen
        while len(driver.app.screen_stack) > 1 and not isinstance(driver.app.screen, wanted):
            driver.app.pop_screen()
            await driver.pilot.pause()
        if screen != "list" and not isinstance(driver.app.screen, ExchangeScreen):
            driver.app.open_exchange(5)
            await driver.pilot.pause()
            await driver.settle()
        assert set(commands_for(driver.app.screen)) >= set(EVERYWHERE)

    run(story, db=database)


def test_the_palette_finds_and_runs_what_is_typed(run, database):
    async def story(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.press("ctrl+p")
        await driver.until(lambda: "finding: next" in driver.text())
        await driver.type("pane bytes")
        await driver.until(lambda: "pane: bytes" in driver.text() and "finding: next" not in driver.text())
        await driver.press("enter", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ExchangeScreen) and driver.app.focused.id == "bytes")

    run(story, db=database)
