"""Captures from elsewhere: damaged rows, foreign schemas and seeded mutations are never a traceback."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from streamlab.errors import StreamlabError, UnreadableInputError
from streamlab.storage.browsing import Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.migrations import COLUMNS
from tests import streams

_VALUES = (None, -1, 2**62, 1.5, float("inf"), "", "x", "\x1b[2J", b"\xff", "[1]", "{", "[" * 5000, '{"a": 1e999}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        for label in ("one", "two", "three"):
            db.add(streams.exchange(streams.sse(streams.chat_text(label)), label=label))
    return path


def _change(path: Path, sql: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql, values)
    connection.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "text"), ("ending", "never"), ("end_us", -5), ("first_us", b"x"), ("label", b"x"), ("url", 1.5)],
)
def test_a_damaged_row_is_shown_as_damaged_and_the_others_as_they_are(path: Path, column: str, value: object) -> None:
    _change(path, f"UPDATE exchanges SET {column} = ? WHERE id = 2", value)
    with CaptureDB(path) as db:
        one, two, three = db.overview()
        # SQLite turns a number in a column of texts into a text: that is no damage.
        assert str(two.ending_reason).startswith("damaged") is (column != "url")
        assert [row.ending_reason for row in (one, three)] == [one.ending_reason] * 2
        assert db.get(1).body == db.get(1).body
        assert db.get(3).label == "three"


def test_a_segment_that_is_no_bytes_is_one_line(path: Path) -> None:
    _change(path, "UPDATE segments SET data = 'text' WHERE exchange_id = 1 AND seq = 0")
    with CaptureDB(path) as db, pytest.raises(UnreadableInputError, match="exchange 1 is damaged"):
        _ = db.get(1).body


def test_a_view_in_place_of_a_table_is_refused_and_one_of_ours_is_not_run(path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT * FROM n"
    _change(path, "DROP VIEW overview")
    _change(path, f"CREATE VIEW overview AS {endless}")
    with CaptureDB(path) as db:
        assert len(db.overview()) == 3
    _change(path, "DROP TABLE marks")
    _change(path, f"CREATE VIEW marks AS {endless}")
    with pytest.raises(UnreadableInputError, match="marks is no table"):
        CaptureDB(path)


def test_the_schema_that_is_asked_for_is_the_one_that_is_made(path: Path) -> None:
    with CaptureDB(path) as db:
        made = {name: {row[1] for row in db.query(f"PRAGMA table_info({name})")} for name in COLUMNS}
    assert made == {name: set(columns.split()) for name, columns in COLUMNS.items()}


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE summaries RENAME COLUMN exchange_id TO other", "summaries has no exchange_id"),
        ("ALTER TABLE segments RENAME COLUMN packed TO other", "segments has no packed"),
        ("DROP TABLE contents", "contents is no index"),
    ],
)
def test_a_column_that_is_missing_is_one_line(path: Path, change: str, said: str, write: bool) -> None:
    _change(path, "DROP TRIGGER forget_summaries")
    _change(path, change)
    with pytest.raises(UnreadableInputError, match=said):
        CaptureDB(path, write=write)


def test_a_name_that_is_no_text_is_one_line(path: Path) -> None:
    """Damage may hit the names in a schema, and then what SQLite says of it is no text either."""
    raw = path.read_bytes()
    for name in (b"CREATE TABLE segments", b"CREATE TABLE marks"):
        assert name in raw
        path.write_bytes(raw.replace(name, name[:-2] + b"\xda\xda"))
        with pytest.raises(UnreadableInputError, match=r"not a readable capture|is no table"):
            CaptureDB(path)


def test_a_segment_that_is_gone_is_one_line(path: Path) -> None:
    _change(path, "UPDATE segments SET seq = seq + 1 WHERE exchange_id = 1")
    with CaptureDB(path) as db, pytest.raises(UnreadableInputError, match="exchange 1 is damaged"):
        _ = db.get(1).segments[0]


def test_a_foreign_trigger_is_never_run(path: Path) -> None:
    _change(path, "CREATE TRIGGER theirs AFTER DELETE ON exchanges BEGIN DELETE FROM segments; END")
    with CaptureDB(path) as db:
        assert db.count() == 3
    with pytest.raises(UnreadableInputError, match="trigger"):
        CaptureDB(path, write=True)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_values_are_never_a_traceback(path: Path, seed: int) -> None:
    """``range(5000)`` runs as long as one likes."""
    mutate(path, random.Random(seed))
    look_at_everything(path)


def mutate(path: Path, seed: random.Random) -> None:
    """Some values anywhere, of any type."""
    connection = sqlite3.connect(path, isolation_level=None)
    for _ in range(seed.randint(1, 4)):
        table = seed.choice(("exchanges", "segments", "request_parts", "recorders"))
        column = seed.choice([row[1] for row in connection.execute(f"PRAGMA table_info({table})")])
        try:
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (seed.choice(_VALUES), seed.randint(1, 3))
            )
        except sqlite3.Error:
            continue
    connection.close()


def look_at_everything(path: Path) -> None:
    """All that a reader asks; only `StreamlabError` may come out."""
    try:
        browser = Browser(path)
    except StreamlabError:
        return
    try:
        for row in browser.db.overview():
            try:
                exchange = browser.exchange(row.id)
                assert isinstance(exchange.body, bytes)
            except StreamlabError:
                continue
        browser.rows([1, 2, 3])
    except StreamlabError:
        pass
    finally:
        browser.close()


@pytest.mark.parametrize("write", [False, True])
def test_a_schema_without_end_is_given_up(path: Path, write: bool) -> None:
    """Looking at what a file holds is limited work; our own schema takes next to none of it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 30000) SELECT x FROM n"
    views = f"SELECT 'view', 'v' || x, 'v' || x, 0, 'CREATE VIEW v' || x || ' AS SELECT 1' FROM ({numbers})"
    connection.execute(f"INSERT INTO sqlite_master {views}")
    connection.close()
    with pytest.raises(UnreadableInputError, match="its schema is too large"):
        CaptureDB(path, write=write)


def test_what_is_asked_of_an_open_capture_has_no_such_limit(path: Path) -> None:
    with CaptureDB(path) as db:
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000) SELECT count(*) FROM n"
        assert db.connection.execute(numbers).fetchone()[0] == 300_000
