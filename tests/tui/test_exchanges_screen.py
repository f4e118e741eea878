"""The list: filter, sort, marks and notes, delete and undo, live, empty states."""

from __future__ import annotations

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.screens.compare import AlignedRows, CompareScreen
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen
from streamlab.tui.screens.page import HelpScreen
from tests import streams
from tests.tui.driving import CAPTURES


def _ids(driver):
    return list(driver.app.watcher.ids)


def test_newest_first_with_findings_as_they_come(run, database):
    async def story(driver):
        await driver.settle()
        assert _ids(driver) == list(range(15, 0, -1))
        text = driver.text()
        assert "tool-call-id-unstable" in text
        assert "upstream-cut" in text
        assert "15 exchanges" in text

    run(story, db=database, size=(200, 50))


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("label:tgi", []),
        ("tap:tgi ending:complete", [12, 11]),
        ("model:glm -tap:oneapi", [5, 4, 3, 2, 1]),
        ("ending:cut", [3]),
        ("status:>399", [2]),
        ("rule:tool-call-id-*", [13, 5]),
    ],
)
def test_a_filter_is_typed_and_taken_back(run, database, line, ids):
    async def story(driver):
        await driver.settle()
        await driver.press("slash")
        driver.app.screen.query_one("Input").value = line
        await driver.press("enter")
        await driver.until(lambda: _ids(driver) == ids, line)
        await driver.until(lambda: f"/ {line}" in driver.text())
        await driver.press("escape")
        await driver.until(lambda: len(_ids(driver)) == 15)

    run(story, db=database)


def test_the_list_stays_in_sight_while_a_filter_is_typed(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press("slash")
        await driver.until(lambda: driver.lines()[-1].startswith(" filter  model:glm ending:cut"))
        assert driver.text().count("complete") > 5
        await driver.type("model:glm")
        await driver.until(lambda: driver.lines()[-1].startswith(" filter  model:glm "))
        await driver.until(lambda: "7 exchanges" in driver.text())
        assert "empty-200" in driver.text()
        assert "tgi" not in driver.text()

    run(story, db=database)


def test_escape_leaves_the_filter_as_it_was(run, database):
    async def story(driver):
        await driver.press("slash")
        await driver.type("model:glm")
        await driver.until(lambda: len(_ids(driver)) == 7)
        await driver.press("escape")
        await driver.until(lambda: len(_ids(driver)) == 15)

    run(story, db=database)


def test_a_filter_nobody_understands_says_so(run, database):
    async def story(driver):
        driver.app.screen._apply("colour:red")
        await driver.until(lambda: "colour:?" in driver.text())

    run(story, db=database)


def test_sorting_goes_through_the_columns(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press("s")
        await driver.until(lambda: "by model" in driver.text())
        await driver.press("S", "S")
        await driver.until(lambda: "by worst finding" in driver.text())
        await driver.until(lambda: _ids(driver)[0] == 13)

    run(story, db=database)


def test_marks_and_notes_stay(run, database):
    async def first(driver):
        await driver.settle()
        await driver.press("j", "m", "j", "N")
        await driver.type("odd one")
        await driver.press("enter")
        await driver.until(lambda: driver.text().count("*") >= 2)

    async def second(driver):
        assert driver.app.watcher.marks(14) == {-1: ""}
        assert driver.app.watcher.marks(13) == {-1: "odd one"}

    run(first, db=database)
    run(second, db=database)


def test_delete_is_taken_back_and_comes_true_on_leaving(run, database):
    async def first(driver):
        await driver.settle()
        await driver.press("d", "d")
        assert _ids(driver)[0] == 13
        assert "2 deleted" in driver.text()
        assert not driver.app.watcher.refresh()  # what was deleted is nothing new
        assert _ids(driver)[0] == 13
        await driver.press("u")
        assert _ids(driver)[0] == 14
        with CaptureDB(database) as db:
            assert db.count() == 15

    run(first, db=database)
    with CaptureDB(database) as db:
        assert list(db.ids()) == list(range(1, 15))


def test_files_are_never_deleted(run):
    async def story(driver):
        await driver.settle()
        await driver.press("d")
        assert len(_ids(driver)) == 25
        assert "rm" in driver.text()

    run(story, CAPTURES)


def test_new_exchanges_appear_while_one_looks(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press("j", "j")
        assert driver.app.screen.table.current == 13
        with CaptureDB(database, write=True) as db:
            db.add(streams.exchange(streams.sse(streams.chat_text()), label="just now"))
        await driver.until(lambda: "just now" in driver.text())
        assert driver.app.screen.table.current == 13

    run(story, db=database)


def test_without_a_database_it_says_what_makes_one(run, tmp_path):
    missing = tmp_path / "none.db"

    async def story(driver):
        assert "streamlab record --upstream" in driver.text()
        with CaptureDB(missing, write=True) as db:
            db.add(streams.exchange(streams.sse(streams.chat_text()), label="the first"))
        await driver.until(lambda: "the first" in driver.text())

    run(story, db=missing)


def test_a_file_that_is_no_capture_is_told_in_a_line(run, tmp_path):
    odd = tmp_path / "odd.db"
    odd.write_bytes(b"not a database at all" * 100)

    async def story(driver):
        assert "not a SQLite database" in driver.text().replace("\n", " ")

    run(story, db=odd)
    assert odd.read_bytes() == b"not a database at all" * 100


def test_two_exchanges_are_compared(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press(*"jjjjj", "c")
        assert "compare 10 with" in driver.text()
        await driver.press("j", "c")
        assert isinstance(driver.app.screen, CompareScreen)
        await driver.settle()
        assert "event-torn" in driver.text()
        rows = driver.app.screen.query_one(AlignedRows)
        await driver.press("n")
        assert rows.cursor > 0
        await driver.press("tab", "enter")
        assert driver.app.focused is rows
        assert str(rows.rows[rows.cursor].relation) == "torn"
        await driver.press("f1")
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.press("escape", "q")
        assert isinstance(driver.app.screen, ExchangesScreen)

    run(story, db=database)


def test_before_and_after_normalizing(run):
    async def story(driver):
        await driver.settle()
        await driver.press("v")
        await driver.settle()
        assert "done-added" in driver.text()

    run(story, CAPTURES / "glm4-newline")


def test_a_bare_stream_and_a_compressed_one_can_be_opened(run, tmp_path):
    import gzip

    from streamlab.storage.exchange_dir import write_exchange_dir

    body = streams.sse(streams.chat_text("hello", " there"))
    (tmp_path / "bare.sse").write_bytes(body)
    packed = streams.exchange(
        [gzip.compress(body)], headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    )
    write_exchange_dir(packed, tmp_path / "packed")

    async def story(driver):
        assert isinstance(driver.app.screen, ExchangeScreen)
        await driver.settle()
        assert len(driver.exchange.viewed.events) == 5
        await driver.press("j", "j", "c")
        await driver.settle()
        assert "hello there" in driver.text()

    run(story, tmp_path / "bare.sse")
    run(story, tmp_path / "packed")


def test_a_large_file_is_read_while_one_looks(run, tmp_path):
    many = streams.sse(streams.chat_text(*["word "] * 30_000))
    (tmp_path / "large.sse").write_bytes(many)

    async def story(driver):
        await driver.until(lambda: len(_ids(driver)) == 1)
        await driver.press("enter")
        await driver.settle()
        assert len(driver.exchange.viewed.events) == 30_003
        await driver.press("G", "k", "k")
        await driver.settle()
        assert driver.exchange.cursor == 30_001
        assert "150,000 characters" in "".join(line.plain for line in driver.exchange.query_one("#client").lines(80))

    run(story, tmp_path / "large.sse")


def test_the_theme_changes_and_is_remembered(run, database):
    async def first(driver):
        assert driver.app.theme == "streamlab-dark"
        await driver.press("f2")
        assert driver.app.theme == "streamlab-light"

    async def second(driver):
        assert driver.app.theme == "streamlab-light"

    run(first, db=database)
    run(second, db=database)


def test_all_keys_are_listed(run, database):
    async def story(driver):
        await driver.press("question_mark")
        assert isinstance(driver.app.screen, HelpScreen)
        assert "filter" in driver.text()
        assert "delete" in driver.text()
        keys = driver.app.screen._text.plain
        assert [line for line in keys.splitlines() if "^c" in line.split()] == ["^q ^c".ljust(20) + "quit"]
        assert "^PgUp  " in keys
        await driver.press("escape")

    run(story, db=database)


def test_a_click_moves_and_a_double_click_opens(run, database):
    async def story(driver):
        await driver.settle()
        await driver.pilot.click("#exchanges", offset=(10, 4))
        assert driver.app.screen.table.cursor == 3
        await driver.pilot.click("#exchanges", offset=(10, 4), times=2)
        await driver.pilot.pause()
        assert isinstance(driver.app.screen, ExchangeScreen)
        await driver.settle()
        await driver.pilot.click("#overview", offset=(60, 0))
        assert driver.exchange.cursor > 0

    run(story, db=database)
