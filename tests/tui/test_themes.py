"""Both themes are there from the first screen on, and one key apart."""

from __future__ import annotations

import pytest

from streamlab.tui.palette import COLOURS


def _background(driver) -> str:
    """The colour behind the last row of the timeline."""
    strip = driver.app.screen._compositor.render_strips()[driver.exchange.timeline.region.bottom - 2]
    segment = next(one for one in strip if one.style is not None and one.text.strip() == "" and len(one.text) > 5)
    return segment.style.bgcolor.get_truecolor().hex


@pytest.mark.parametrize("theme", COLOURS)
def test_it_opens_in_the_theme_it_was_left_in(run, database, tmp_path, theme):
    other = next(name for name in COLOURS if name != theme)
    (tmp_path / "state.json").write_text(f'{{"theme": "{theme}"}}', encoding="utf-8")

    async def story(driver):
        driver.app.open_exchange(1)
        await driver.pilot.pause()
        await driver.settle()
        assert _background(driver) == COLOURS[theme]["background"]
        await driver.press("f2")
        assert driver.app.theme == other
        assert _background(driver) == COLOURS[other]["background"]

    run(story, db=database)
