"""``streamlab normalize`` of many: each as if alone, on all cores, into a database or a folder."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError
from streamlab.repairing.normalizer import normalize
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.targets import find
from streamlab.workflows import cores
from tests import streams

GOOD, NO_DONE = (streams.sse(streams.chat_text(), done=done) for done in (True, False))
CUT = streams.sse(streams.chat_text()[:-1], done=False)
BODIES = (GOOD, NO_DONE, CUT)


@pytest.fixture
def many(tmp_path) -> Path:
    """A hundred, of three kinds."""
    path = tmp_path / "many.db"
    with CaptureDB(path, write=True) as database:
        for number in range(100):
            body = BODIES[number % 3].replace(streams.MODEL.encode(), f"m{number}".encode())
            database.add(
                replace(streams.exchange(body), label=f"v{number}", started_at=f"2026-11-{number % 28 + 1:02d}")
            )
    return path


def _told(exchange):
    return exchange.label, exchange.started_at, exchange.body, [len(one.data) for one in exchange.segments]


@pytest.mark.parametrize("output", ["mended.db", "mended"])
@pytest.mark.parametrize("count", [1, 3])
def test_each_is_mended_as_if_alone(run, many, tmp_path, monkeypatch, output, count):
    monkeypatch.setattr(cores, "cores", lambda: count)
    done = run("normalize", many, "-o", tmp_path / output)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "mended done-missing (33 exchanges)",
        "mended finish-reason-missing (33 exchanges)",
        "not mended: finish-reason-missing (33 exchanges)",
        f"66 exchanges of 100 mended, 33 with errors left: {tmp_path / output}",
    ]
    there = sorted(_told(one.read()) for one in find(str(tmp_path / output)))
    assert there == sorted(_told(normalize(one.read()).exchange) for one in find(str(many)))


def test_the_order_in_a_database_is_that_of_the_target(run, many, tmp_path):
    run("normalize", many, "-o", tmp_path / "mended.db")
    assert [one.read().label for one in find(str(tmp_path / "mended.db"))] == [f"v{number}" for number in range(100)]


def test_one_that_cannot_be_read_is_named_and_the_others_are_mended(run, many, tmp_path):
    with CaptureDB(many, write=True) as database, database.writing():
        database.connection.execute("UPDATE segments SET data = x'00ff', packed = 1 WHERE exchange_id = 7")
    done = run("normalize", many, "-o", tmp_path / "mended.db")
    assert done.code == 2
    assert done.err.startswith(f"streamlab: {many}: exchange 7 is damaged")
    assert done.err.splitlines()[-1].endswith(f"1 that could not be read are left out: {tmp_path / 'mended.db'}")
    assert len(list(find(str(tmp_path / "mended.db")))) == 99


def test_the_account_of_each_as_json(run, many, tmp_path):
    done = run("normalize", many, "-o", tmp_path / "mended.db", "--json")
    document = json.loads(done.err)
    assert [one["source"] for one in document["exchanges"]] == [f"{many}#{number}" for number in range(1, 101)]
    assert document["exchanges"][1]["mended"] == {"done-missing": 1}
    assert document["exchanges"][2]["left"] == ["finish-reason-missing"]
    assert document["left"] == {"finish-reason-missing": 33}


def test_what_is_there_is_not_written_over(run, many):
    before = many.read_bytes()
    done = run("normalize", many, "-o", many)
    assert (done.code, done.out) == (2, "")
    assert "is there already" in done.err
    assert many.read_bytes() == before


def test_one_goes_into_a_database_too(run, many, tmp_path):
    assert run("normalize", f"{many}#2", "-o", tmp_path / "one.db").code == 0
    (only,) = find(str(tmp_path / "one.db"))
    assert only.read().body == normalize(next(iter(find(f"{many}#2"))).read()).exchange.body


def test_several_without_a_place_for_them_are_refused(run, many):
    done = run("normalize", many)
    assert (done.code, done.out) == (2, "")
    assert "into a database or a folder: -o PATH" in done.err


def test_all_of_a_lake_is_mended(run, many, tmp_path):
    pytest.importorskip("pyarrow")
    run("lake", "add", many, "--to", tmp_path / "lake")
    done = run("normalize", f"lake:{tmp_path / 'lake'}", "-o", tmp_path / "mended.db")
    assert done.code == 1
    there = sorted(_told(one.read()) for one in find(str(tmp_path / "mended.db")))
    assert there == sorted(_told(normalize(one.read()).exchange) for one in find(str(many)))


@pytest.mark.parametrize("output", ["mended.db", "mended"])
def test_known_secrets_are_masked_in_what_is_written(run, tmp_path, output):
    secret, path = "sk-proj-" + "aB3" * 16, tmp_path / "many.db"
    with CaptureDB(path, write=True) as database:
        for _ in range(2):
            database.add(streams.exchange(streams.sse(streams.chat_text("It is ", secret, "."), done=False)))
    run("normalize", path, "-o", tmp_path / output)
    run("normalize", path, "-o", tmp_path / f"kept-{output}", "--keep-secrets")
    masked, kept = ([one.read().body for one in find(str(tmp_path / name))] for name in (output, f"kept-{output}"))
    assert [secret.encode() in body for body in (*masked, *kept)] == [False, False, True, True]
    assert [body.endswith(b"data: [DONE]\n\n") for body in masked] == [True, True]


def test_what_was_mended_before_the_disk_was_full_is_whole_and_told(run, many, tmp_path, monkeypatch):
    room, add = iter(range(3)), CaptureDB.add

    def added(database, exchange):
        if next(room, None) is None:
            raise CouldNotRunError("mended.db: database or disk is full")
        return add(database, exchange)

    monkeypatch.setattr(CaptureDB, "add", added)
    ran = run("normalize", many, "-o", "mended.db")
    *_, counted, why = ran.err.splitlines()
    assert (ran.code, why) == (3, "streamlab: mended.db: database or disk is full")
    assert re.fullmatch(r"\d exchanges? of 3 mended.*: mended\.db", counted)
    with CaptureDB(tmp_path / "mended.db") as database:
        assert database.count() == 3
