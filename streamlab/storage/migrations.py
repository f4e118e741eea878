"""The schema of a capture, version by version. A new version is one more function at the end of `MIGRATIONS`.

docs/database.md describes the result for people who query it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # takes 80 ms to import, which only a migration is worth
    from sqlite_utils import Database

#: "StLb", in the header of every capture, so that a foreign database is told apart.
APPLICATION_ID = 0x53744C62
#: The tables that every capture has and their columns, and the triggers.
COLUMNS = {
    "recorders": "id process started_at",
    "exchanges": "id recorder_id started_at label tap method url request_headers request_body status reason "
    "http_version response_headers head_us chunked ending end_us notes body_bytes segment_count first_us",
    "segments": "exchange_id seq offset_us length chunk packed data",
    "request_parts": "exchange_id seq data",
    "marks": "exchange_id event note",
    "summaries": "exchange_id version api model dialect events ttft_us stalls worst rules gaps",
    "reports": "exchange_id version report",
    "resume_points": "run recorder_id position state",
    "packed_up_to": "exchange_id",
    "laid_out": "exchange_id",
}
#: The oldest version that can be read as it is, where it may not be written; and the tables that came later.
OLDEST_READ, LATER = 5, frozenset({"packed_up_to", "laid_out"})
_FORGOTTEN = (("marks", "exchange_id"), ("summaries", "exchange_id"), ("contents", "rowid"))
TRIGGERS = tuple(
    f"CREATE TRIGGER forget_{table} AFTER DELETE ON exchanges BEGIN DELETE FROM {table} WHERE {key} = old.id; END"
    for table, key in (*_FORGOTTEN, ("reports", "exchange_id"))
)


def _exchanges_and_segments(db: Database) -> None:
    _exchanges(db)
    _bodies(db)


def _exchanges(db: Database) -> None:
    db.execute(
        """CREATE TABLE recorders (
            id INTEGER PRIMARY KEY,
            process TEXT NOT NULL,
            started_at TEXT NOT NULL)"""
    )
    db.execute(
        """CREATE TABLE exchanges (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            recorder_id INTEGER REFERENCES recorders(id),
            started_at TEXT,
            label TEXT,
            tap TEXT,
            method TEXT,
            url TEXT,
            request_headers TEXT,
            request_body BLOB,
            status INTEGER,
            reason TEXT,
            http_version TEXT,
            response_headers TEXT,
            head_us INTEGER,
            chunked INTEGER,
            ending TEXT,
            end_us INTEGER,
            notes TEXT NOT NULL DEFAULT '{}',
            body_bytes INTEGER,
            segment_count INTEGER,
            first_us INTEGER)"""
    )


def _bodies(db: Database) -> None:
    db.execute(
        """CREATE TABLE segments (
            exchange_id INTEGER NOT NULL REFERENCES exchanges(id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            offset_us INTEGER,
            length INTEGER NOT NULL,
            chunk INTEGER,
            data BLOB NOT NULL,
            PRIMARY KEY (exchange_id, seq))"""
    )
    db.execute(
        """CREATE TABLE request_parts (
            exchange_id INTEGER NOT NULL REFERENCES exchanges(id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (exchange_id, seq))"""
    )


def _workbench(db: Database) -> None:
    """What people noted, and what was worked out once so that lists can be filtered; the latter may be deleted."""
    db.execute(
        """CREATE TABLE marks (
            exchange_id INTEGER NOT NULL REFERENCES exchanges(id) ON DELETE CASCADE,
            event INTEGER NOT NULL,
            note TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (exchange_id, event)) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE summaries (
            exchange_id INTEGER PRIMARY KEY REFERENCES exchanges(id) ON DELETE CASCADE,
            version TEXT NOT NULL,
            api TEXT,
            model TEXT,
            dialect TEXT,
            events INTEGER,
            ttft_us INTEGER,
            stalls INTEGER,
            worst TEXT,
            rules TEXT NOT NULL,
            gaps BLOB)"""
    )
    db.execute("CREATE VIRTUAL TABLE contents USING fts5(content)")
    for trigger in TRIGGERS[: len(_FORGOTTEN)]:
        db.execute(trigger)


def _resume_points(db: Database) -> None:
    """How far each run of a recorder has recorded, so that another process can go on where one died."""
    db.execute(
        """CREATE TABLE resume_points (
            run TEXT PRIMARY KEY,
            recorder_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            state TEXT NOT NULL) WITHOUT ROWID"""
    )


def _packed_segments(db: Database) -> None:
    """Several segments a row. The rows that are there stay what they are: one segment each."""
    for view in ("overview", "timeline"):
        db.execute(f"DROP VIEW IF EXISTS {view}")
    if db.execute("SELECT 1 FROM segments LIMIT 1").fetchone():
        db.execute("ALTER TABLE segments ADD COLUMN packed TEXT")
    else:
        db.execute("DROP TABLE segments")
        # The bytes last: whoever asks for the rest reads none of the pages that they fill.
        db.execute(
            """CREATE TABLE segments (
                exchange_id INTEGER NOT NULL REFERENCES exchanges(id) ON DELETE CASCADE,
                seq INTEGER NOT NULL,
                offset_us INTEGER,
                length INTEGER NOT NULL,
                chunk INTEGER,
                packed TEXT,
                data BLOB NOT NULL,
                PRIMARY KEY (exchange_id, seq))"""
        )
    db.create_view("overview", OVERVIEW)
    db.create_view("timeline", _TIMELINE)


def _reports(db: Database) -> None:
    """What `check` said of an exchange, so that asking again is a query. It may be deleted at any time."""
    db.execute(
        """CREATE TABLE reports (
            exchange_id INTEGER PRIMARY KEY REFERENCES exchanges(id) ON DELETE CASCADE,
            version TEXT NOT NULL,
            report BLOB NOT NULL)"""
    )
    for trigger in TRIGGERS[len(_FORGOTTEN) :]:
        db.execute(trigger)


def _packed_bytes(db: Database) -> None:
    """The bytes of rows packed as well. What is there is packed while a recorder has nothing else to do: exchanges up
    to the number in packed_up_to are done, those in laid_out are left as they are."""
    for view in ("overview", "timeline"):
        db.execute(f"DROP VIEW IF EXISTS {view}")
    db.execute("CREATE TABLE packed_up_to (exchange_id INTEGER PRIMARY KEY)")
    db.execute("CREATE TABLE laid_out (exchange_id INTEGER PRIMARY KEY REFERENCES exchanges(id) ON DELETE CASCADE)")
    db.create_view("overview", OVERVIEW)
    db.create_view("timeline", _TIMELINE)


OVERVIEW = """
SELECT e.id, e.started_at, e.label, e.tap, e.method, e.url,
       CASE WHEN json_valid(CAST(e.request_body AS TEXT))
            THEN json_extract(CAST(e.request_body AS TEXT), '$.model') END AS model,
       e.status,
       coalesce(e.ending, 'interrupted') AS ending,
       json_extract(e.notes, '$.ending_reason') AS ending_reason,
       coalesce(e.body_bytes, (SELECT total(length) FROM segments WHERE exchange_id = e.id)) AS bytes,
       coalesce(e.segment_count,
                (SELECT seq + CASE WHEN NOT coalesce(json_valid(packed), 0) THEN 1
                                   WHEN json_type(packed) = 'object' THEN json_array_length(packed, '$.zstd')
                                   ELSE json_array_length(packed) END
                 FROM segments WHERE exchange_id = e.id ORDER BY seq DESC LIMIT 1),
                0) AS segments,
       e.head_us,
       coalesce(e.first_us, (SELECT min(offset_us) FROM segments WHERE exchange_id = e.id)) AS first_us,
       e.end_us,
       e.ending IS NULL AS unfinished,
       r.process AS recorder
FROM exchanges e LEFT JOIN recorders r ON r.id = e.recorder_id
"""

_TIMELINE = """
SELECT exchange_id, seq, offset_us,
       offset_us - lag(offset_us) OVER (PARTITION BY exchange_id ORDER BY seq) AS gap_us,
       length, chunk, CAST(data AS TEXT) AS text
FROM (SELECT s.exchange_id,
             s.seq + coalesce(p.key, 0) AS seq,
             CASE WHEN p.key IS NULL THEN s.offset_us
                  WHEN s.packed LIKE '{%' THEN s.offset_us + sum(json_extract(p.value, '$[0]'))
                                               OVER (PARTITION BY s.exchange_id, s.seq ORDER BY p.key)
                  ELSE json_extract(p.value, '$[0]') END AS offset_us,
             CASE WHEN p.key IS NULL THEN s.length
                  ELSE json_extract(p.value, CASE WHEN s.packed LIKE '{%' THEN '$[1]' ELSE '$[2]' END) END AS length,
             s.chunk + CASE WHEN p.key IS NULL THEN 0
                            WHEN s.packed LIKE '{%' THEN coalesce(json_extract(p.value, '$[2]'), p.key)
                            ELSE p.key END AS chunk,
             CASE WHEN p.key IS NULL THEN s.data
                  WHEN s.packed NOT LIKE '{%'
                  THEN substr(s.data, json_extract(p.value, '$[1]') + 1, json_extract(p.value, '$[2]')) END AS data
      FROM segments s LEFT JOIN json_each(s.packed, CASE WHEN s.packed LIKE '{%' THEN '$.zstd' ELSE '$' END) p)
"""

MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    _exchanges_and_segments,
    _workbench,
    _resume_points,
    _packed_segments,
    _reports,
    _packed_bytes,
)
SCHEMA_VERSION = len(MIGRATIONS)


def migrate(db: Database) -> None:
    """Bring the database to `SCHEMA_VERSION`; the caller holds the write lock and commits."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        step(db)
        db.execute(f"PRAGMA user_version = {number}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
