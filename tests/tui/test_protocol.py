"""Every message between screen and analyst is somebody's business, and nobody's twice on the way."""

from __future__ import annotations

import inspect

from streamlab.tui import protocol
from streamlab.tui.analyst import Analyst
from streamlab.tui.app import Workbench
from streamlab.tui.screens.compare import CompareScreen
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen

MESSAGES = {one for _, one in inspect.getmembers(protocol, inspect.isclass) if one.__module__ == protocol.__name__}


def test_every_message_has_one_handler():
    questions = [*Analyst._QUESTIONS, *Analyst._ABOUT_SESSION]
    answers = [*Workbench._ANSWERS, *ExchangeScreen.HANDLERS, *ExchangesScreen.HANDLERS, *CompareScreen.HANDLERS]
    assert len(MESSAGES) > 15
    assert sorted(questions + answers, key=str) == sorted(MESSAGES, key=str)


def test_an_answer_about_another_exchange_is_dropped(run, database):
    async def story(driver):
        driver.app.actions.open_comparison(10, 9)
        await driver.pilot.pause()
        await driver.settle()
        driver.app.pop_screen()
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        screen, before = driver.exchange, driver.exchange.viewed.report
        screen.answered(protocol.Analyzed(screen.viewed.token - 1, None, True))
        assert screen.viewed.report is before

    run(story, db=database)
