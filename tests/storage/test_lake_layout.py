"""How rows lie in a lake's files: what is alike together and what is equal once; files that lie otherwise are read."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake import adding, files, layout, rows
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.rules_version import rules_version
from streamlab.storage.targets import find
from tests import streams

pq = pytest.importorskip("pyarrow.parquet")


def _row(exchange: Exchange, at: int) -> dict[str, object]:
    told = replace(exchange, started_at=f"2026-11-10T08:{at // 60:02d}:{at % 60:02d}.000000Z")
    return rows.row_of(told, rows.hash_of(told), rows.RecordedBy("gateway"), redacted=True)


def _random(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def test_an_answer_that_comes_again_is_stored_once() -> None:
    kinds = [streams.exchange(_random(2_000_000, seed)) for seed in range(3)]
    found = layout.neighbours(_row(kinds[at % 3], at) for at in range(12))
    assert len(list(layout.grouped(found))) == 1
    assert len(layout.parquet(found, rows.schema())) < 6_500_000


def test_the_turns_of_a_conversation_are_neighbours() -> None:
    """Each sends all that was said before, so what is new in it is what its neighbour has not."""
    exchange, found = streams.exchange(streams.sse(streams.chat_text())), []
    assert exchange.request is not None
    for turn in range(1, 10):
        for name in ("Ann", "Bob", "Cem"):
            said = [{"role": "user", "content": f"{name} says {at}"} for at in range(turn)]
            body = json.dumps({"model": "m", "messages": said}).encode()
            found.append(_row(replace(exchange, request=replace(exchange.request, body=body), label=name), len(found)))
    labels = [row["label"] for row in layout.neighbours(found)]
    assert labels == ["Ann"] * 9 + ["Bob"] * 9 + ["Cem"] * 9


def test_rows_come_back_as_they_were_and_in_the_same_order_whoever_writes_them(tmp_path: Path) -> None:
    found = [_row(streams.exchange(_random(at % 5 * 100, at % 7), label=f"v{at % 3}"), at) for at in range(50)]
    found += [_row(Exchange(label="no answer"), 51)]
    written = layout.parquet(layout.neighbours(found), rows.schema())
    assert layout.parquet(layout.neighbours(reversed(found)), rows.schema()) == written
    (tmp_path / "one.parquet").write_bytes(written)
    told = files.read(LakePlace(str(tmp_path)), "one.parquet").to_pylist()
    assert {**found[-1], "offsets_us": [], "lengths": []} in told
    assert [rows.exchange_of(one, "") for one in told] == [
        rows.exchange_of(one, "") for one in layout.neighbours(found)
    ]


def test_a_byte_that_has_changed_is_found_wherever_it_lies(tmp_path: Path) -> None:
    body = _random(50_000, 1)
    data = layout.parquet([_row(streams.exchange(body), at) for at in range(4)], rows.schema())
    at = data.index(body[1000:1100])
    (tmp_path / "one.parquet").write_bytes(data[:at] + b"\0" + data[at + 1 :])
    with pytest.raises(UnreadableInputError, match="torn or damaged"):
        files.read(LakePlace(str(tmp_path)), "one.parquet")


def test_the_name_of_a_file_tells_where_its_row_groups_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is said of a row group is found by it: a file whose groups are others must not be taken for it."""

    def name() -> str:
        filler = adding.LakeFiller(LakePlace(str(tmp_path)))
        for at in range(4):
            filler.add(_row(streams.exchange(b"data: {}\n\n"), at))
        before = set(tmp_path.rglob("*.parquet"))
        filler.finish()
        (new,) = set(tmp_path.rglob("*.parquet")) - before or {Path("the same")}
        return new.name

    names = []
    for most in (4, 3, 1):
        monkeypatch.setattr(layout, "GROUP_ROWS", most)
        names.append(name())
    assert len({*names, "the same"}) == 4
    monkeypatch.setattr(layout, "GROUP_ROWS", 3)
    assert name() == "the same"


def _written_before(path: Path) -> None:
    """The same rows as the first lakes have them: by time, in small row groups, encoded as Arrow likes."""
    table = pq.read_table(path, partitioning=None).sort_by("started_at")
    pq.write_table(table, path, 2, compression="zstd", compression_level=9, write_page_checksum=True)


def test_a_lake_that_was_written_before_is_read_judged_and_added_to(tmp_path: Path) -> None:
    from streamlab.workflows import fleet

    capture, place = tmp_path / "gateway.db", LakePlace(str(tmp_path / "lake"))

    def add(first: int, last: int) -> int:
        with CaptureDB(capture, write=True) as database:
            for at in range(first, last):
                exchange = streams.exchange(streams.sse(streams.chat_text(), done=at % 2 == 0))
                database.add(replace(exchange, started_at=f"2026-11-10T08:00:{at:02d}.000000Z", label=f"v{-at % 4}"))
        return fleet.add([str(capture)], place, recorder=None, masking=None, advance=lambda: None, warn=pytest.fail).new

    assert add(0, 7) == 7
    for path in tmp_path.rglob("*.parquet"):
        _written_before(path)
    assert [one.groups for one in files.healthy(files.listed(place))] == [(2, 2, 2, 1)]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    assert fleet.Lake(place, pytest.fail).judge(fleet.LocalEngine(), pytest.fail) == 7
    assert (add(7, 7), add(7, 12)) == (0, 5)
    assert {path: path.read_bytes() for path in before} == before
    lake = fleet.Lake(place, pytest.fail)
    assert lake.version == rules_version()
    assert lake.judge(fleet.LocalEngine(), pytest.fail) == 5
    there = sorted((one.read().started_at, one.read().label) for one in find(f"lake:{place.address}"))
    assert there == [(f"2026-11-10T08:00:{at:02d}.000000Z", f"v{-at % 4}") for at in range(12)]
    done_missing = {one.target.read().label for one in lake.checked("lake") if one.report and one.report.findings}
    assert done_missing == {"v1", "v3"}
