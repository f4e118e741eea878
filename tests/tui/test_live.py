"""While a recorder writes: the list and an open exchange follow, without being asked."""

from __future__ import annotations

from tests import streams
from tests.tui.recording import Recording


def _tick(number):
    return streams.frame(streams.chunk({"content": f"tick{number} "}))


def test_an_open_exchange_grows_until_it_ends(run, tmp_path):
    path = tmp_path / "live.db"

    async def story(driver):
        driver.app.open_exchange(recording.ids[0])
        await driver.pilot.pause()
        await driver.until(lambda: "recording" in driver.text())
        for number in range(12):
            recording.write(_tick(number))
            await driver.until(lambda wanted=number + 1: len(driver.exchange.viewed.events) == wanted)
            await driver.press("G") if number == 3 else None
        await driver.until(lambda: "tick11" in driver.text(), "the cursor stays at the end")
        assert driver.exchange.viewed.is_live
        assert driver.exchange.viewed.report is not None
        recording.end()
        await driver.until(lambda: "■ complete" in driver.text())
        await driver.settle()
        assert {one.rule for one in driver.exchange.viewed.report.findings} >= {"done-missing", "finish-reason-missing"}

    with Recording(path, 1) as recording:
        run(story, db=path)


def test_an_exchange_that_has_only_begun_can_be_opened(run, tmp_path):
    path = tmp_path / "live.db"

    async def story(driver):
        driver.app.open_exchange(recording.ids[0])
        await driver.pilot.pause()
        await driver.until(lambda: "waiting for the first event" in driver.text())
        await driver.press("n", "j", "G", "right_square_bracket", "space", "space", "b", "x", "o")
        recording.write(_tick(0))
        await driver.until(lambda: len(driver.exchange.viewed.events) == 1)

    with Recording(path, 1) as recording:
        run(story, db=path)


def test_the_list_follows_twenty_streams(run, tmp_path):
    path = tmp_path / "live.db"

    async def story(driver):
        await driver.until(lambda: driver.text().count("recording …") == 20)
        for number in range(10):
            recording.write(_tick(number) * 4)
        size = 40 * len(_tick(0))
        await driver.until(lambda: driver.text().count(f"{size} B") == 20 or "kB" in driver.text())
        recording.end()
        await driver.until(lambda: driver.text().count("complete") == 20)
        await driver.settle()

    with Recording(path, 20) as recording:
        run(story, db=path, size=(200, 50))
