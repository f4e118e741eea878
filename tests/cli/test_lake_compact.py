"""`lake compact`: the same exchanges and findings in fewer files, and whoever is killed loses and doubles nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake import compacting, files, findings
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.rules_version import rules_version
from streamlab.storage.targets import find
from tests import streams

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

GOOD, NO_DONE = (streams.sse(streams.chat_text(), done=done) for done in (True, False))
TIMES, EACH = 6, 3


def _judge(lake: Path) -> int:
    from streamlab.workflows import fleet

    return fleet.Lake(LakePlace(str(lake)), pytest.fail).judge(fleet.LocalEngine(), pytest.fail)


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("compact") / "gateway.db"


@pytest.fixture(scope="module")
def rolled(capture) -> Path:
    """A lake that was added to six times, on two days, and judged."""
    from streamlab.workflows import fleet

    path = capture.parent / "lake"
    for time in range(TIMES):
        with CaptureDB(capture, write=True) as database:
            for at in range(EACH):
                exchange = streams.exchange(GOOD if at else NO_DONE, label=f"{time}.{at}")
                moment = f"2026-11-{10 + time // 4}T08:{time:02d}:{at:02d}.000000Z"
                database.add(replace(exchange, started_at=moment))
        fleet.add([str(capture)], LakePlace(str(path)), recorder=None, masking=None, advance=int, warn=pytest.fail)
    assert _judge(path) == TIMES * EACH
    return path


@pytest.fixture
def lake(rolled, tmp_path) -> Path:
    return Path(shutil.copytree(rolled, tmp_path / "lake"))


def _data(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def _exchanges(lake: Path) -> list[str]:
    return sorted(repr(replace(one.read(), id=None)) for one in find(f"lake:{lake}"))


def _said(run, lake: Path) -> list[str]:
    done = run("check", f"lake:{lake}", "--json")
    return sorted(json.dumps({**one, "source": None, "id": None}) for one in json.loads(done.out)["exchanges"])


def test_a_day_is_one_file_and_says_the_same(run, rolled, lake, capture):
    done = run("lake", "compact", lake)
    assert done.code == 0
    assert done.out.startswith(f"{TIMES} files of lake:{lake} made into 2: ")
    assert len(list((lake / "exchanges").rglob("*.parquet"))) == 2
    assert _exchanges(lake) == _exchanges(rolled)
    assert _judge(lake) == 0
    assert _said(run, lake) == _said(run, rolled)
    there = _data(lake)
    assert len(there) == 2 * 3
    assert sum(map(len, there.values())) < sum(map(len, _data(rolled).values()))
    assert run("lake", "compact", f"lake:{lake}").out == f"0 files of lake:{lake} made into 0\n"
    assert run("lake", "add", capture, "--to", lake, "--keep-secrets").out.startswith("added 0 exchanges")
    assert _data(lake) == there
    shutil.rmtree(lake / "findings")
    assert _judge(lake) == TIMES * EACH
    assert _data(lake) == there


def test_a_file_that_is_large_enough_stays_and_none_becomes_larger(lake, monkeypatch):
    monkeypatch.setattr(compacting, "FILE_ROWS", 2 * EACH + 2)
    for made in (3, 0):
        assert compacting.compact(LakePlace(str(lake)), pytest.fail).into == made
        groups = [one.groups for one in files.healthy(files.listed(LakePlace(str(lake))))]
        assert groups == [(2 * EACH,)] * 3


class _KilledError(BaseException):
    """What a signal does."""


def test_who_is_killed_at_any_step_loses_and_doubles_nothing(run, rolled, tmp_path, monkeypatch):
    whole = Path(shutil.copytree(rolled, tmp_path / "whole"))
    steps = 0

    def at_a_step(step, last: int | None):
        def counted(*words):
            nonlocal steps
            steps += 1
            if steps == last:
                raise _KilledError
            return step(*words)

        return counted

    write, remove = LakePlace.write, LakePlace.remove
    said, there, last = _said(run, rolled), _exchanges(rolled), None
    for number in range(100):
        steps, last = 0, number or None
        monkeypatch.setattr(LakePlace, "write", at_a_step(write, last))
        monkeypatch.setattr(LakePlace, "remove", at_a_step(remove, last))
        lake = whole if number == 0 else Path(shutil.copytree(rolled, tmp_path / f"killed-{number}"))
        try:
            compacting.compact(LakePlace(str(lake)), pytest.fail)
        except _KilledError:
            assert _exchanges(lake) == there
            compacting.compact(LakePlace(str(lake)), pytest.fail)
            assert _exchanges(lake) == there
            assert _data(lake / "exchanges") == _data(whole / "exchanges")
            monkeypatch.undo()
            assert _judge(lake) <= TIMES * EACH
            assert _data(whole).items() <= _data(lake).items()
            if number % 7 == 1:
                assert _said(run, lake) == said
        else:
            if number:
                break
    assert number == 2 * 3 + TIMES * 3 + 1  # each of three files written for two days, and deleted for six times


def test_what_cannot_be_read_or_is_not_only_ours_stays(run, lake):
    first, second, *_ = sorted((lake / "exchanges" / "day=2026-11-10").rglob("*.parquet"))
    first.write_bytes(first.read_bytes()[:-200])
    table = pq.read_table(second, partitioning=None)
    pq.write_table(table.append_column("more", pa.array(range(table.num_rows))), second)
    before = first.read_bytes(), second.read_bytes()
    done = run("lake", "compact", lake)
    assert done.code == 2
    assert [first.name in line for line in done.err.splitlines()] == [True]
    assert (first.read_bytes(), second.read_bytes()) == before
    assert len(list((lake / "exchanges" / "day=2026-11-10").rglob("*.parquet"))) == 3
    first.unlink()
    assert len(_exchanges(lake)) == (TIMES - 1) * EACH


def test_a_page_that_is_damaged_stays_where_it_is(run, lake):
    first, *_ = sorted((lake / "exchanges" / "day=2026-11-11").rglob("*.parquet"))
    body = pq.read_metadata(first).row_group(0).column(0)
    data = bytearray(first.read_bytes())
    data[body.data_page_offset + body.total_compressed_size - 9] ^= 1
    first.write_bytes(data)
    done = run("lake", "compact", lake)
    assert (done.code, first.name in done.err, first.read_bytes()) == (2, True, bytes(data))


def test_what_was_not_judged_is_judged_and_what_is_torn_is_judged_again(run, rolled, lake):
    torn, *_ = sorted((lake / "findings").rglob("judged/*.parquet"))
    torn.write_bytes(torn.read_bytes()[:-100])
    assert run("lake", "compact", lake).code == 0
    assert 0 < _judge(lake) < TIMES * EACH
    assert _said(run, lake) == _said(run, rolled)


def test_a_lake_that_is_no_folder(rolled):
    import fsspec

    from streamlab.workflows import fleet

    place, system = LakePlace("memory://compacted"), fsspec.filesystem("memory")
    for name, data in _data(rolled).items():
        system.pipe_file(f"/compacted/{name}", data)
    assert compacting.compact(place, pytest.fail).files == TIMES
    lake = fleet.Lake(place, pytest.fail)
    assert (len(lake.files), lake.judge(fleet.LocalEngine(), pytest.fail)) == (2, 0)
    assert len(list(lake.checked("lake"))) == TIMES * EACH


def test_a_file_that_goes_while_it_is_judged_costs_what_it_held(lake):
    place = LakePlace(str(lake))
    unit = findings.Unit(place, rules_version(), "exchanges/day=2026-11-10/recorder=gateway/gone.parquet", 0, 3)
    (judged,) = findings.judge([unit])
    assert judged.error is not None
    assert "gone" in judged.error


@pytest.mark.parametrize("told", [b"7", b"[7]", b"{"])
def test_what_says_nonsense_of_what_it_replaces_is_left_out(run, lake, told):
    path = next((lake / "exchanges").rglob("*.parquet"))
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, files.REPLACES_KEY: told}), path)
    done = run("check", f"lake:{lake}", "--json")
    assert (done.code, path.name in done.err) == (2, True)
    assert len(json.loads(done.out)["exchanges"]) == (TIMES - 1) * EACH


def test_what_says_to_replace_more_than_it_holds_makes_nothing_go(run, lake):
    first, second, *_ = sorted((lake / "exchanges" / "day=2026-11-10").rglob("*.parquet"))
    table, before = pq.read_table(first, partitioning=None), second.read_bytes()
    told = json.dumps([second.name]).encode()
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, files.REPLACES_KEY: told}), first)
    done = run("lake", "compact", lake)
    assert (done.code, second.read_bytes()) == (2, before)
    assert f"{second.name}: another file says to replace it and lacks some of it" in done.err
