"""What was judged once is kept with its capture and read when asked again; it is never believed beyond its rules."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError
from streamlab.judging.analyzer import analyze
from streamlab.judging.kept import packed, unpacked
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.storage.kept_reports import KeptReports
from streamlab.storage.rules_version import rules_version
from streamlab.storage.seal import Seal
from streamlab.workflows.cores import on_all_cores
from tests import streams

ROOT = Path(__file__).parents[2]
#: So many that they are judged on all cores and kept.
MANY = 70


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """A capture of many exchanges, each second without [DONE], the last still going on."""
    path = tmp_path_factory.mktemp("kept") / "recorded.db"
    with CaptureDB(path, write=True) as database:
        for number in range(MANY):
            body = streams.sse(streams.chat_text(), done=number % 2 == 0)
            database.add(streams.exchange(body, request=streams.request_for(), label=f"l{number % 3}"))
        with database.writing():
            database.connection.execute("UPDATE exchanges SET ending = NULL WHERE id = ?", (MANY,))
    return path


def _kept(path: Path) -> dict[int, bytes]:
    return {number: one.report for number, one in KeptReports(path, rules_version()).of(range(1, MANY + 1)).items()}


HALVES = ROOT / "fixtures/rules/json/surrogate_escape_split/bad"


@pytest.mark.parametrize("folder", [HALVES, *sorted(one.parent for one in ROOT.glob("captures/*/exchange.json"))])
def test_a_report_comes_back_as_it_was(folder):
    report = analyze(read_exchange_dir(folder))
    assert unpacked(packed(report)) == report


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'["nope"]', b"[" * 100_000, b'{"api": 1}'])
def test_what_is_no_report_is_none(data):
    assert unpacked(data) is None


def test_asked_again_it_is_read_and_says_the_same(run, recorded):
    first = run("check", recorded, "--format", "json")
    kept = _kept(recorded)
    assert set(kept) == set(range(1, MANY))  # what still goes on is judged each time
    assert run("check", recorded, "--format", "json") == first
    # It is read: another's report is believed, until one asks for it anew.
    KeptReports(recorded, rules_version()).keep([(1, kept[2])])
    said = json.loads(run("check", recorded, "--json").out)["exchanges"]
    assert [one["rule"] for one in said[0]["findings"]] == ["done-missing"]
    assert run("check", recorded, "--format", "json", "--anew") == first
    assert _kept(recorded) == kept


def test_for_one_client_the_kept_findings_are_only_looked_through(run, recorded):
    every = json.loads(run("check", recorded, "--json").out)["summary"]
    hurting = json.loads(run("check", recorded, "--json", "--client", "openai-python").out)["summary"]
    assert every["warning"] == MANY // 2 - 1
    assert hurting["warning"] == 0
    assert len(json.loads(run("check", recorded, "--json").out)["exchanges"]) == MANY


def test_what_is_kept_by_other_rules_or_damaged_is_judged_again(run, recorded):
    first = run("check", recorded, "--format", "json")
    with CaptureDB(recorded, write=True) as database, database.writing():
        database.connection.execute("UPDATE reports SET version = '0.0.1' WHERE exchange_id < 10")
        database.connection.execute("UPDATE reports SET report = x'00' WHERE exchange_id BETWEEN 40 AND 50")
        database.connection.execute("UPDATE reports SET report = 'no bytes' WHERE exchange_id = 60")
    assert run("check", recorded, "--format", "json") == first


def test_what_is_deleted_takes_its_report_along(run, recorded):
    run("check", recorded)
    assert 3 in _kept(recorded)
    with CaptureDB(recorded, write=True) as database:
        database.prune(ids=[3])
        assert database.query("SELECT 1 FROM reports WHERE exchange_id = 3") == []
        KeptReports(recorded, rules_version()).keep([(3, b"{}")])  # by somebody who judged it before
        assert database.query("SELECT 1 FROM reports WHERE exchange_id = 3") == []


def test_first_seen_by_groups(run, recorded):
    def seen(*words):
        return json.loads(run("ls", "--first-seen", "--json", "--db", recorded, *words).out)

    (one,) = [one for one in seen() if one["rule"] == "done-missing"]
    assert (one["upstream"], one["first_id"], one["before"]) == ("http://127.0.0.1:8000", 2, 1)
    labels = [one for one in seen("--by", "label,model") if one["rule"] == "done-missing"]
    assert {(one["label"], one["model"], one["first_id"]) for one in labels} == {
        (f"l{(number - 1) % 3}", streams.MODEL, number) for number in (2, 4, 6)
    }
    assert run("ls", "--by", "label", "--db", recorded).code == 2
    assert run("ls", "--first-seen", "--by", "colour", "--db", recorded).code == 2


def test_what_somebody_else_kept_in_a_capture_is_not_believed(run, recorded, monkeypatch, tmp_path):
    first = run("check", recorded, "--format", "json")
    kept = _kept(recorded)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    KeptReports(recorded, rules_version()).keep([(number, kept[1]) for number in range(1, MANY)])  # all of it clean
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "ours"))
    assert _kept(recorded) == {}
    assert run("check", recorded, "--format", "json") == first


def test_a_report_does_not_pass_to_another_exchange(run, recorded):
    run("check", recorded)
    with CaptureDB(recorded, write=True) as database, database.writing():
        database.connection.execute(
            "UPDATE reports SET report = (SELECT report FROM reports WHERE exchange_id = 1) WHERE exchange_id = 2"
        )
        database.connection.execute("UPDATE exchanges SET body_bytes = body_bytes + 1 WHERE id = 3")
    assert not {2, 3} & set(_kept(recorded))
    with CaptureDB(recorded, write=True) as database, database.writing():
        database.connection.execute("UPDATE exchanges SET body_bytes = body_bytes - 1 WHERE id = 3")


def test_one_key_is_made_and_only_its_user_may_read_it(tmp_path):
    path = tmp_path / "new" / "seal.key"
    sealed = Seal(path).of(b"kept", 1)
    assert Seal(path).opened(sealed + b"kept", 1) == b"kept"
    assert Seal(path).opened(sealed + b"kept", 2) is None
    assert [one.name for one in path.parent.iterdir()] == ["seal.key"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"half")
    assert Seal(path).opened(sealed + b"kept", 1) is None
    assert len(path.read_bytes()) == 32


# -- processes that die -----------------------------------------------------------------------------------------------


def _squares(numbers: list[int], *, died: Path, always: bool = False) -> list[int]:
    if 5 in numbers and (always or not died.exists()):
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [number * number for number in numbers]


def test_work_of_a_process_that_dies_is_done_by_another(tmp_path):
    batches = [[at, at + 1] if at % 10 else [] for at in range(1, 40, 2)]
    work = partial(_squares, died=tmp_path / "died")
    assert [one for some in on_all_cores(work, batches, workers=2) for one in some] == [one**2 for one in range(1, 41)]
    assert (tmp_path / "died").exists()


def test_work_that_kills_every_process_is_given_up(tmp_path):
    with pytest.raises(CouldNotRunError):
        list(on_all_cores(partial(_squares, died=tmp_path / "died", always=True), [[5]], workers=2))
