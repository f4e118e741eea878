"""Pages of a capture, its filter language, marks and summaries; and captures of before there were any."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from streamlab.storage.browsing import AnalysisSummary, Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.filtering import SORTS, parse
from streamlab.storage.migrations import MIGRATIONS, SCHEMA_VERSION
from tests import streams

BROKEN = AnalysisSummary(
    "chat.completions", "glm-4", "glm4", 9, 120_000, 1, "error", {"tool-call-id-unstable": "error"}, b"\x00\x08"
)
CLEAN = AnalysisSummary("chat.completions", "gpt-4o", "openai", 4, 10_000, 0, None, {}, b"")


@pytest.fixture
def browser(tmp_path):
    path = tmp_path / "some.db"
    with CaptureDB(path, write=True) as db:
        for label in ("first", "second 100%", "third"):
            db.add(streams.exchange(streams.sse(streams.chat_text(label)), label=label))
    opened = Browser(path, write=True)
    opened.save("1", [(1, BROKEN, "hello wide world"), (2, CLEAN, "nothing to see")])
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [3, 2, 1]),
        ("rule:tool-call-*", [1]),
        ("rule:tool-call", []),
        ("-rule:tool-call-*", [3, 2]),
        ("label:100%", [2]),
        ("label:_", []),
        ("dialect:glm4 events:>5", [1]),
        ("ttft:<50", [2]),
        ("model:gpt", [3, 2, 1]),
        ("is:clean", [2]),
        ("is:live", []),
        ("world", [1]),
        ('"wide world"', [1]),
        ("wor", [1]),
        ("third", [3]),
        ("worst:error", [1]),
        ("ending:complete", [3, 2, 1]),
        ("ending:cut", []),
        ("worst:none", [2]),
        ("-worst:none", [3, 1]),
        ("label:events", []),
    ],
)
def test_the_filter_language_finds(browser, text, ids):
    assert list(browser.ids(parse(text))) == ids


@pytest.mark.parametrize("text", ["nothing:x", "events:many", "is:odd"])
def test_a_term_that_cannot_be_read_is_reported_and_left_out(browser, text):
    wanted = parse(text)
    assert wanted.problems
    assert list(browser.ids(wanted)) == [3, 2, 1]


@pytest.mark.parametrize("text", ['"', "label:", "-", "%", "'; DROP TABLE exchanges", 'AND OR "NEAR(', "é:x", "a:b:c"])
def test_no_filter_raises(browser, text):
    browser.ids(parse(text))
    assert len(browser.ids()) == 3


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_keeps_every_exchange(browser, sort):
    assert sorted(browser.ids(sort=sort)) == [1, 2, 3]


def test_rows_hold_overview_summary_and_marks(browser):
    browser.set_mark(1, 2, "look here")
    browser.set_mark(1, 3, "")
    rows = browser.rows([1, 3, 99])
    assert set(rows) == {1, 3}
    assert rows[1].summary == BROKEN
    assert rows[1].marks == 2
    assert rows[3].summary is None
    assert browser.marks(1) == {2: "look here", 3: ""}
    assert list(browser.ids(parse("is:marked"))) == [1]
    assert list(browser.ids(parse("note:look"))) == [1]
    browser.set_mark(1, 2, None)
    assert browser.marks(1) == {3: ""}


def test_what_was_not_summarized_by_this_version_is_listed_newest_first(browser):
    assert browser.not_summarized("1", 10) == [3]
    assert browser.not_summarized("2", 2) == [3, 2]


def test_deleting_an_exchange_takes_everything_about_it_away(browser):
    browser.set_mark(1, 0, "x")
    browser.db.prune(ids=[1])
    for table in ("marks", "summaries", "contents"):
        key = "rowid" if table == "contents" else "exchange_id"
        assert not browser.db.connection.execute(f"SELECT 1 FROM {table} WHERE {key} = 1").fetchall()
    assert list(browser.ids()) == [3, 2]


def test_a_second_connection_does_not_give_the_write_ahead_log_of_the_first_away(tmp_path):
    # Opening the file once more beside SQLite would drop this process's locks; another process that then closes its
    # connection would delete the log, and the first connection would never see anything again.
    path = tmp_path / "some.db"
    with CaptureDB(path, write=True) as first:
        first.add(streams.exchange(streams.sse(streams.chat_text())))
        for write in (False, True):
            CaptureDB(path, write=write).close()
        program = f"from streamlab.storage.capture_db import CaptureDB\nCaptureDB({str(path)!r}, write=True).close()"
        subprocess.run([sys.executable, "-c", program], check=True)
        assert path.with_name("some.db-wal").exists()
        with CaptureDB(path, write=True) as second:
            second.add(streams.exchange(streams.sse(streams.chat_text())))
        assert first.count() == 2


def test_neighbours_and_pieces(browser):
    assert browser.neighbour(2, 1) == 3
    assert browser.neighbour(2, -1) == 1
    assert browser.neighbour(1, -1) is None
    pieces = browser.pieces(1, 0, 100)
    assert b"".join(piece.data for piece in pieces) == browser.exchange(1).body
    assert [piece.data for piece in browser.pieces(1, 1, 1)] == [pieces[1].data]


def test_a_capture_of_an_older_schema_is_brought_up_to_date_when_it_is_opened(tmp_path):
    path = tmp_path / "old.db"
    with CaptureDB(path, write=True) as db:
        db.add(streams.exchange(streams.sse(streams.chat_text())))
        recorded = db.get(1)
        parts = list(recorded.segments)
    assert len(parts) > 2
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP VIEW overview")
    connection.execute("DROP VIEW timeline")
    connection.execute("DROP TABLE segments")
    connection.execute(
        "CREATE TABLE segments (exchange_id INTEGER NOT NULL, seq INTEGER NOT NULL, offset_us INTEGER, "
        "length INTEGER NOT NULL, chunk INTEGER, data BLOB NOT NULL, PRIMARY KEY (exchange_id, seq))"
    )
    connection.executemany(
        "INSERT INTO segments VALUES (1, ?, ?, ?, NULL, ?)",
        [(seq, one.offset_us, len(one.data), one.data) for seq, one in enumerate(parts)],
    )
    for trigger in ("marks", "summaries", "contents", "reports"):
        connection.execute(f"DROP TRIGGER forget_{trigger}")
    for table in ("marks", "summaries", "contents", "resume_points", "reports", "packed_up_to", "laid_out"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert len(MIGRATIONS) == SCHEMA_VERSION
    opened = Browser(path)
    try:
        assert list(opened.ids()) == [1]
        assert opened.rows([1])[1].summary is None
        assert list(opened.exchange(1).segments) == parts
        assert opened.pieces(1, 1, 1) == [(parts[1].offset_us, None, parts[1].data)]
        seen = opened.db.connection.execute("SELECT seq, text FROM timeline WHERE exchange_id = 1").fetchall()
        assert [tuple(row) for row in seen] == [(seq, one.data.decode()) for seq, one in enumerate(parts)]
    finally:
        opened.close()


@pytest.mark.parametrize("term", ["worst:bad", "ending:never", "is:odd", "status:abc", "colour:red"])
def test_a_value_that_cannot_be_is_reported(term):
    (problem,) = parse(term).problems
    assert problem.startswith(term.partition(":")[0])


@pytest.mark.parametrize(
    ("line", "derived"),
    [("label:events", False), ("url:clean", False), ("events:>3", True), ("is:clean", True), ("word", True)],
)
def test_only_what_needs_an_analysis_asks_for_one(line, derived):
    assert parse(line).derived is derived


def test_a_bare_word_is_looked_for_in_what_the_list_calls_an_exchange(tmp_path):
    path = tmp_path / "x.db"
    with CaptureDB(path, write=True) as db:
        for tap, model in (("glm4-newline", "m"), (None, "Qwen3"), (None, "m")):
            db.add(streams.exchange(streams.sse([]), request=streams.request_for(model=model), label="demo", tap=tap))
    browser = Browser(path)
    try:
        for word, ids in (("glm4", [1]), ("qwen", [2]), ("demo", [3, 2, 1]), ("-glm4", [3, 2])):
            assert list(browser.ids(parse(word))) == ids, word
    finally:
        browser.close()
