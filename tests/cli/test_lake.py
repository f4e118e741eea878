"""Lakes: what is added comes back as it was, is judged once, answers questions, and outlives what is torn."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from streamlab.about import requirement
from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake import adding, asking, columns, files, findings
from streamlab.storage.lake.adding import alone_with
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.process_identity import this_process
from streamlab.storage.rules_version import rules_version
from streamlab.storage.targets import find
from tests import streams
from tests.servers.harness import eventually

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
duckdb = pytest.importorskip("duckdb")

SECRET = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
GOOD, NO_DONE = (streams.sse(streams.chat_text(), done=done) for done in (True, False))


def _exchanges():
    """Oldest first, as far as that is known."""
    yield replace(streams.exchange(GOOD.replace(b"Spring", SECRET.encode())), started_at=None)
    for number in range(8):
        body = (GOOD if number % 2 == 0 else NO_DONE).replace(streams.MODEL.encode(), f"m{number % 3}".encode())
        exchange = streams.exchange(body, request=streams.request_for(model=f"m{number % 3}"), label=f"v{number // 4}")
        if number >= 3:
            headers = (*exchange.head.headers, ("Server", "uvicorn"), ("X-LiteLLM-Version", f"1.{number // 6}"))
            exchange = replace(exchange, head=replace(exchange.head, headers=headers[: None if number < 7 else -1]))
        yield replace(exchange, started_at=f"2026-11-{10 + number // 3}T08:00:0{number}.000000Z")
    yield Exchange(ending=Ending.UNREACHABLE, label="no answer", started_at="2031-01-01T00:00:00.000000Z")  # clock skew
    binary = streams.exchange(b"\xff\x00\xfe" * 9, headers=(*streams.HEADERS, ("Server", "uvicorn")))
    yield replace(binary, started_at="2026-11-12T09:00:00.000000Z", http_chunks=(20, 7))


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    """A capture of what a recorder sees."""
    path = tmp_path_factory.mktemp("lake") / "gateway-07.db"
    with CaptureDB(path, write=True) as database:
        for exchange in _exchanges():
            database.add(exchange)
    return path


@pytest.fixture(scope="module")
def filled(capture) -> Path:
    """A lake of it, with its secrets, judged."""
    from streamlab.workflows import fleet

    path = capture.parent / "lake"
    fleet.add([str(capture)], LakePlace(str(path)), recorder=None, masking=None, advance=lambda: None, warn=pytest.fail)
    fleet.Lake(LakePlace(str(path)), pytest.fail).judge(fleet.LocalEngine(), pytest.fail)
    return path


@pytest.fixture
def lake(filled, tmp_path) -> Path:
    """A copy of the lake, to be damaged."""
    return Path(shutil.copytree(filled, tmp_path / "lake"))


def _without_names(document: str) -> list[str]:
    said = json.loads(document)["exchanges"]
    return sorted(json.dumps({**one, "source": None, "id": None}) for one in said)


def _exchange_files(lake: Path) -> list[Path]:
    return sorted((lake / "exchanges").rglob("*.parquet"))


# -- what is added comes back ---------------------------------------------------------------------------------------


def test_every_exchange_comes_back_as_it_was(capture, filled):
    def known(exchange: Exchange):
        return replace(exchange, id=None, segments=tuple(exchange.segments))

    def order(exchange: Exchange):
        return exchange.started_at or "", exchange.label or ""

    there = [known(target.read()) for target in find(f"lake:{filled}")]
    assert sorted(there, key=order) == sorted((known(one.read()) for one in find(str(capture))), key=order)


def test_files_lie_by_day_and_recorder(filled):
    folders = {path.parent.relative_to(filled / "exchanges").as_posix() for path in _exchange_files(filled)}
    days = ("2026-11-10", "2026-11-11", "2026-11-12", "2031-01-01", "unknown")
    assert folders == {f"day={day}/recorder=gateway-07" for day in days}


def test_added_again_nothing_is_added(run, capture, tmp_path):
    first = run("lake", "add", capture, "--to", tmp_path / "new")
    there = {path: path.read_bytes() for path in _exchange_files(tmp_path / "new")}
    again = run("lake", "add", capture, capture, "--to", tmp_path / "new", "--keep-secrets")
    assert (first.code, first.out.split()[:2], again.code) == (0, ["added", "11"], 0)
    assert "added 0 exchanges" in again.out
    assert {path: path.read_bytes() for path in _exchange_files(tmp_path / "new")} == there


def test_merged_databases_keep_who_recorded_and_when(run, capture, tmp_path):
    import socket

    both, merged = tmp_path / "both.db", tmp_path / "merged.db"
    usual = Path(shutil.copyfile(capture, tmp_path / "streamlab.db"))
    with CaptureDB(usual, write=True) as database, database.writing():
        database.connection.execute("INSERT INTO recorders (process, started_at) VALUES ('boot:7:9', '')")
        database.connection.execute("UPDATE exchanges SET recorder_id = 1")
    run("import", usual, "--db", both)
    run("import", capture, both, "--db", merged)
    with CaptureDB(merged) as database:
        notes = [target.read().notes["recorded_by"] for target in find(str(merged))]
    here = {"recorder": socket.gethostname(), "process": "boot:7:9"}
    assert notes == [{"recorder": "gateway-07"}] * 11 + [here] * 11
    known = [(one.started_at, one.label) for one in (target.read() for target in find(str(capture)))]
    told = [(one.started_at, one.label) for one in (target.read() for target in find(str(merged)))]
    assert [one for one, _ in told] == [one for one, _ in known] * 2
    assert [label for (_, label), (_, before) in zip(told, known * 2, strict=True) if before] == [
        before for _, before in known * 2 if before
    ]
    assert run("lake", "add", merged, "--to", tmp_path / "lake").out.startswith("added 22 exchanges")
    counted = "SELECT recorder, count(*) AS times FROM exchanges GROUP BY ALL ORDER BY ALL"
    for target in (merged, f"lake:{tmp_path / 'lake'}"):
        assert sorted(
            (one["recorder"], one["times"]) for one in json.loads(run("sql", target, counted, "--format", "json").out)
        ) == sorted([("gateway-07", 11), (socket.gethostname(), 11)])


def test_of_a_lake_only_the_days_are_read_that_something_is_added_to(run, lake, tmp_path, monkeypatch):
    looked_at: list[str] = []
    monkeypatch.setattr(
        adding, "read", lambda place, name, **more: looked_at.append(name) or files.read(place, name, **more)
    )
    one = tmp_path / "one.db"
    with CaptureDB(one, write=True) as database:
        database.add(replace(streams.exchange(GOOD), started_at="2026-11-11T23:00:00.000000Z", label="new"))
    for added in (1, 0):
        assert run("lake", "add", one, "--to", lake).out.startswith(f"added {added} exchange")
        assert {name.split("/")[1] for name in looked_at} == {"day=2026-11-11"}
    assert len(list(find(f"lake:{lake}"))) == 12


def test_secrets_stay_behind_unless_they_are_kept(run, capture, filled, tmp_path):
    run("lake", "add", capture, "--to", tmp_path / "new")
    bodies = [target.read().body for target in find(f"lake:{tmp_path / 'new'}")]
    assert not any(SECRET.encode() in body for body in bodies)
    assert any(SECRET.encode() in target.read().body for target in find(f"lake:{filled}"))
    # They are called the same.
    names = {row.source.partition("#")[2] for row in find(f"lake:{tmp_path / 'new'}")}
    assert names == {row.source.partition("#")[2] for row in find(f"lake:{filled}")}


def test_one_of_it_is_a_target(run, filled, tmp_path):
    name = next(find(f"lake:{filled}")).source
    assert run("show", name).code == 0
    assert run("normalize", name).code == 0
    assert run("import", name, "--db", tmp_path / "new.db").code == 0
    with CaptureDB(tmp_path / "new.db") as database:
        assert database.get(1).body == find_one_body(name)
    short = name[: name.index("#") + 9]
    assert run("check", short, "--json").out.replace(short, name) == run("check", name, "--json").out


def find_one_body(name: str) -> bytes:
    """The body of one exchange."""
    (target,) = find(name)
    return target.read().body


@pytest.mark.parametrize("wanted", ["#", "#abc", "#zzzzzz", "#0000000000", "#last"])
def test_what_names_no_exchange_is_said(run, filled, wanted):
    done = run("show", f"lake:{filled}{wanted}")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


def test_no_lake_is_said(run, tmp_path):
    for words in (("check", f"lake:{tmp_path}/no"), ("trend", f"lake:{tmp_path}"), ("ls", f"lake:{tmp_path}")):
        assert run(*words).code == 2
    assert run("check", "lake:nowhere://x").code == 3


# -- what is judged once --------------------------------------------------------------------------------------------


def test_findings_are_those_of_the_capture(run, capture, filled):
    of_lake, of_capture = (run("check", target, "--json") for target in (f"lake:{filled}", capture))
    assert _without_names(of_lake.out) == _without_names(of_capture.out)
    assert of_lake.code == of_capture.code
    chosen = ("--select", "done-missing", "--json")
    of_lake, of_capture = (json.loads(run("check", one, *chosen).out) for one in (f"lake:{filled}", capture))
    assert of_lake["summary"] == of_capture["summary"] == {"error": 0, "warning": 4, "info": 0}


def test_what_stays_after_a_repair_is_that_of_the_capture(run, tmp_path):
    """The reports at hand do not hold it: it is asked of the exchange, in the lake as in the capture."""
    path, lake = tmp_path / "gateway-07.db", tmp_path / "lake"
    run("import", Path(__file__).parents[2] / "captures", "--db", path)
    with CaptureDB(path, write=True) as database:
        torn = GOOD.replace(b"\n\ndata: ", b"\n\ndata: data: ", 3).replace(b'"object":"chat.completion.chunk",', b"", 2)
        database.add(streams.exchange(torn))
    run("lake", "add", path, "--to", lake, "--keep-secrets")
    of_lake, of_capture = (run("check", one, "--json").out for one in (f"lake:{lake}", path))
    assert _without_names(of_lake) == _without_names(of_capture)
    assert any(one["after_repair"] for one in json.loads(of_capture)["exchanges"])


def test_only_what_these_rules_have_not_judged_is_read(filled, capture, tmp_path):
    from streamlab.workflows import fleet

    place = LakePlace(str(shutil.copytree(filled, tmp_path / "lake")))
    assert fleet.Lake(place, pytest.fail).judge(fleet.LocalEngine(), pytest.fail) == 0
    other = tmp_path / "gateway-08.db"
    with CaptureDB(other, write=True) as database:
        database.add(replace(streams.exchange(NO_DONE), started_at="2026-11-10T09:00:00.000000Z"))
    fleet.add([str(capture), str(other)], place, recorder=None, masking=None, advance=lambda: None, warn=pytest.fail)
    assert fleet.Lake(place, pytest.fail).judge(fleet.LocalEngine(), pytest.fail) == 1


def test_judged_twice_at_once_or_cut_short_nothing_is_double(run, lake):
    before = run("check", f"lake:{lake}", "--json").out
    there = {path: path.read_bytes() for path in (lake / "findings").rglob("*.parquet")}
    place = LakePlace(str(lake))
    units = list(findings.units(place, rules_version(), list(files.healthy(files.listed(place)))))
    for _ in range(2):
        findings.judge(units)
    assert {path: path.read_bytes() for path in (lake / "findings").rglob("*.parquet")} == there
    # One who was killed between the two files of a unit, and in the middle of a third.
    (lake / units[0].name("judged")).unlink()
    (lake / units[1].name("findings")).write_bytes(b"PAR1 torn")
    (lake / "findings" / ".writing-abc").write_bytes(b"half")
    assert run("check", f"lake:{lake}", "--json").out == before
    assert {path: path.read_bytes() for path in (lake / "findings").rglob("*.parquet")} == there


def test_several_processes_write_what_one_writes(lake):
    from streamlab.workflows import fleet

    there = {path: path.read_bytes() for path in (lake / "findings").rglob("*.parquet")}
    shutil.rmtree(lake / "findings")
    opened = fleet.Lake(LakePlace(str(lake)), pytest.fail)
    many = [unit._replace(rows=100) for unit in opened.units]  # so many that it takes several
    assert sum(one.exchanges for one in fleet.LocalEngine(2).run(many)) == 11
    assert {path: path.read_bytes() for path in (lake / "findings").rglob("*.parquet")} == there


def test_a_lake_that_is_no_folder(run, capture, filled):
    assert run("lake", "add", capture, "--to", "memory://streams/lake", "--keep-secrets").code == 0
    of_memory = run("check", "lake:memory://streams/lake", "--json")
    assert _without_names(of_memory.out) == _without_names(run("check", f"lake:{filled}", "--json").out)
    asked = ("trend", "--by", "label,day", "--format", "json")
    assert run(*asked, "lake:memory://streams/lake").out == run(*asked, f"lake:{filled}").out


# -- faults ---------------------------------------------------------------------------------------------------------


def _rewritten(path: Path, change) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(change(table), path)


def test_a_torn_file_is_named_and_added_again(run, lake, capture):
    whole = run("check", f"lake:{lake}", "--json")
    torn = _exchange_files(lake)[0]
    torn.write_bytes(torn.read_bytes()[:-200])
    done = run("check", f"lake:{lake}", "--json")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert torn.name in done.err
    assert "torn or damaged" in done.err
    lost = len(_without_names(whole.out)) - len(_without_names(done.out))
    assert lost > 0
    assert run("trend", f"lake:{lake}").code == 2  # it says that the answer lacks something
    again = run("lake", "add", capture, "--to", lake, "--keep-secrets")
    assert f"added {lost} " in again.out
    assert _without_names(run("check", f"lake:{lake}", "--json").out) == _without_names(whole.out)


@pytest.mark.parametrize(("version", "told"), [(b"99", "newer streamlab"), (None, "not of streamlab's")])
def test_a_file_of_another_schema_is_left_out(run, lake, version, told):
    metadata = {b"streamlab.lake": version} if version else {}
    path = _exchange_files(lake)[0]
    _rewritten(path, lambda table: table.replace_schema_metadata(metadata))
    before = path.read_bytes()
    done = run("check", f"lake:{lake}", "--json")
    assert done.code == 2
    assert told in done.err
    assert path.read_bytes() == before


def _column(name: str, value: object):
    def change(table):
        at = table.schema.get_field_index(name)
        made = pa.array([value] * table.num_rows)
        return table.set_column(at, name, made).replace_schema_metadata(table.schema.metadata)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop_columns(["notes"]), "no column notes"),
        (_column("hash", 1), "hash is no string"),
        (_column("offsets_us", "x"), "offsets_us is no list"),
        (_column("hash", "\x1b[31m" + "0" * 59), "no hash"),
        (lambda table: pa.concat_tables([table] * 3000).combine_chunks(), "larger than any"),
    ],
)
def test_a_file_that_is_none_of_ours_is_left_out(run, lake, capture, change, told):
    path = _exchange_files(lake)[0]
    shutil.rmtree(lake / "findings")
    _rewritten(path, change)
    for asked in (("check", f"lake:{lake}", "--json"), ("check", f"lake:{lake}", "--select", "sse-*", "--json")):
        done = run(*asked)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
        assert told in done.err
        assert path.name in done.err
        assert len(_without_names(done.out)) > 0  # the other files' exchanges
    assert run("lake", "add", capture, "--to", lake, "--keep-secrets").code == 0


def test_damaged_metadata_hide_no_other_file(run, lake):
    path = _exchange_files(lake)[0]
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[-8:-4], "little")
    data[-8 - size : -8] = b"\xff" * size
    path.write_bytes(data)
    done = run("check", f"lake:{lake}", "--json")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "torn or damaged" in done.err
    assert len(_without_names(done.out)) > 0


def test_a_pipe_in_a_lake_is_not_waited_for(run, lake):
    os.mkfifo(lake / "exchanges" / "waits.parquet")
    done = run("check", f"lake:{lake}", "--json")
    assert done.code == 2
    assert "waits.parquet: torn or damaged, left out (no regular file)" in done.err


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("body", b"data: {}\n\n", "sha256"),
        ("ending", "somehow", "ending"),
        ("notes", "{", "notes is no JSON"),
        ("lengths", [1], "reads do not add up"),
        ("response_headers", '[["a"]]', "headers"),
        ("status", 7, "status"),
    ],
)
def test_a_damaged_row_hides_no_other(run, lake, column, value, told):
    shutil.rmtree(lake / "findings")

    def change(table):
        values = [value, *table.column(column).to_pylist()[1:]]
        at = table.schema.get_field_index(column)
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    _rewritten(_exchange_files(lake)[1], change)
    for _ in range(2):  # judged, and read from what is kept
        done = run("check", f"lake:{lake}", "--json")
        assert done.code == 2
        assert told in done.err
        assert len(done.err.splitlines()) == 1
        assert len(_without_names(done.out)) == 10


def test_a_disk_that_is_full_is_said_and_leaves_no_half_file(run, capture, tmp_path):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    command = [sys.executable, "-m", "streamlab", "lake", "add", str(capture), "--to", str(tmp_path / "new")]
    place = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, preexec_fn=little_room, capture_output=True, text=True, check=False, env=place)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in (tmp_path / "new").rglob("*") if path.is_file() and path.suffix != ".parquet"] == []
    assert run("lake", "add", capture, "--to", tmp_path / "new").code == 0
    assert len(list(find(f"lake:{tmp_path / 'new'}"))) == 11


def test_what_would_keep_a_secret_stays_out_and_the_rest_goes_in(run, tmp_path, monkeypatch, capture):
    from streamlab.errors import CouldNotRunError
    from streamlab.workflows import fleet

    refused = iter([True])
    whole = fleet.prepared

    def prepared(exchange, masking):
        if next(refused, False):
            raise CouldNotRunError("still a secret in the notes (secret)")
        return whole(exchange, masking)

    monkeypatch.setattr(fleet, "prepared", prepared)
    done = run("lake", "add", capture, "--to", tmp_path / "new")
    assert (done.code, done.out.split()[:2]) == (3, ["added", "10"])
    assert "still a secret" in done.err


def test_without_the_extra_one_line_says_what_to_install(run, monkeypatch, capture):
    from importlib import util

    there = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name == "pyarrow" else there(name, *more))
    for words, what in (
        (("lake", "add", capture, "--to", "new"), "a lake"),
        (("check", "lake:new"), "a lake"),
        (("check", "lake:new", "--engine", "dask"), "a lake"),
        (("show", "lake:new#abcdef"), "a lake"),
        (("ls", "lake:new"), "a lake"),
        (("import", "lake:new#abcdef"), "a lake"),
        (("normalize", "lake:new#abcdef"), "a lake"),
        (("trend", "lake:new"), "a lake"),
        (("sql", "lake:new", "SELECT 1"), "a lake"),
        (("sql", capture, "SELECT 1"), "sql"),
        (("record", "--upstream", "http://127.0.0.1:9", "--lake", "new"), "a lake"),
        (("trend", capture, "--format", "parquet", "-o", "new.parquet"), "--format parquet"),
    ):
        done = run(*words)
        assert done.code == 3
        assert done.err == f"streamlab: {what} needs pyarrow: pip install '{requirement('fleet')}'\n", words


# -- from a recorder ------------------------------------------------------------------------------------------------


def test_what_is_finished_moves_into_the_lake_and_what_goes_on_stays(capture, tmp_path):
    from streamlab.workflows import rolling

    path = Path(shutil.copyfile(capture, tmp_path / "gateway-07.db"))
    with CaptureDB(path, write=True) as database, database.writing():
        database.connection.execute("INSERT INTO recorders (process, started_at) VALUES (?, '')", (this_process(),))
        database.connection.execute("UPDATE exchanges SET ending = NULL, recorder_id = 1 WHERE id = 4")
    rolling.start(path, str(tmp_path / "lake"), 3600, None, keep_secrets=True)()
    assert len(list(find(f"lake:{tmp_path / 'lake'}"))) == 10
    with CaptureDB(path) as database:
        assert list(database.ids()) == [4]


_KILLED = """
import os, signal, sys
from pathlib import Path
from streamlab.storage import capture_db
from streamlab.storage.lake import place
from streamlab.workflows import rolling

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def second(*words, seen=[], replace=os.replace):
    seen.append(words)
    die() if len(seen) == 2 else replace(*words)

if sys.argv[3] == "between files":
    os.replace = second
elif sys.argv[3] == "before anything is deleted":
    capture_db.CaptureDB.prune = die
else:  # between two deletions
    capture_db.CaptureDB.delete = lambda self, number, delete=capture_db.CaptureDB.delete: (
        die() if number > 3 else delete(self, number)
    )
rolling.roll(Path(sys.argv[1]), sys.argv[2], None, keep_secrets=True, warn=print)
"""


@pytest.mark.parametrize("where", ["between files", "before anything is deleted", "between two deletions"])
def test_who_is_killed_while_moving_loses_and_doubles_nothing(run, capture, tmp_path, where):
    from streamlab.workflows import rolling

    path = Path(shutil.copyfile(capture, tmp_path / "gateway-07.db"))
    lake = tmp_path / "moved"
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(lake), where], check=False)
    assert killed.returncode == -signal.SIGKILL
    rolling.roll(path, str(lake), None, keep_secrets=True, warn=pytest.fail)
    with CaptureDB(path) as database:
        assert database.count() == 0
    there = [target.read() for target in find(f"lake:{lake}")]
    wanted = [target.read() for target in find(str(capture))]
    assert sorted(one.started_at or "" for one in there) == sorted(one.started_at or "" for one in wanted)
    assert sorted(one.body for one in there) == sorted(one.body for one in wanted)
    assert run("check", f"lake:{lake}", "--json").err == ""  # nor is a half of a file left


_KILLED_ONCE = """
import os, signal, sys
from pathlib import Path
from streamlab.workflows import rolling

def roll(db, *words, roll=rolling.roll, **more):
    seen = Path(f"{db}-seen")
    if not seen.exists():
        seen.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return roll(db, *words, **more)

rolling.roll = roll
rolling.main()
"""


def test_when_one_time_is_killed_the_next_takes_it_along(capture, tmp_path):
    path = Path(shutil.copyfile(capture, tmp_path / "gateway-07.db"))
    command = [sys.executable, "-c", _KILLED_ONCE, str(path), str(tmp_path / "lake"), "0", "gateway-07", "masked"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as moving:
        assert moving.stdin is not None
        assert moving.stderr is not None
        told = moving.stderr.readline()
        moving.stdin.close()
        assert (moving.wait(), moving.stderr.read()) == (0, "")
    assert told.endswith(f"was killed; they stay in {path} until the next time\n")
    assert len(list(find(f"lake:{tmp_path / 'lake'}"))) == 11
    with CaptureDB(path) as database:
        assert database.count() == 0


def test_who_adds_the_same_at_the_same_time_is_waited_for(capture, tmp_path):
    path = Path(shutil.copyfile(capture, tmp_path / "gateway-07.db"))
    command = [sys.executable, "-m", "streamlab", "lake", "add", str(path), "--to", str(tmp_path / "lake")]
    with alone_with([str(tmp_path / "gateway-07.db")]):
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        eventually(lambda: other.poll() is not None or _waits_for_a_lock(other.pid))
        assert other.poll() is None
        assert not (tmp_path / "lake").exists()
    assert other.communicate()[0].startswith("added 11 exchanges")


def _waits_for_a_lock(pid):
    locks = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return any(words[1:3] == ["->", "FLOCK"] and str(pid) in words for words in locks)


def test_where_the_lake_cannot_be_written_everything_stays(capture, tmp_path):
    from streamlab.errors import CouldNotRunError
    from streamlab.workflows import rolling

    path = Path(shutil.copyfile(capture, tmp_path / "gateway-07.db"))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CouldNotRunError):
        rolling.roll(path, str(tmp_path / "file" / "lake"), None, keep_secrets=False, warn=pytest.fail)
    with CaptureDB(path) as database:
        assert database.count() == 11


@pytest.mark.parametrize("years", [(2001, 2026, 2099), (2026, 2026, 2026)])
def test_clocks_that_differ_lose_and_double_nothing(run, tmp_path, years):
    """The same streams at the same moment, as recorders say whose clocks are decades apart, and the same recorder once
    more after its clock was set back."""
    captures = []
    for at, year in enumerate(years):
        captures.append(tmp_path / f"gateway-{at}.db")
        with CaptureDB(captures[-1], write=True) as database:
            for body, day in ((GOOD, f"{year}-06-01"), (NO_DONE, f"{year}-06-02"), (NO_DONE, "1970-01-01")):
                exchange = streams.exchange(body.replace(streams.MODEL.encode(), f"m{at}".encode()))
                database.add(replace(exchange, started_at=f"{day}T08:00:00.000000Z"))
    lake = tmp_path / "lake"
    assert run("lake", "add", *captures, "--to", lake).out.startswith("added 9 exchanges")
    assert run("lake", "add", *captures, "--to", lake).out.startswith("added 0 exchanges")
    done = run("check", f"lake:{lake}", "--json")
    assert done.err == ""
    assert _without_names(done.out) == sorted(
        one for capture in captures for one in _without_names(run("check", capture, "--json").out)
    )
    (seen,) = json.loads(run("ls", f"lake:{lake}", "--first-seen", "--json").out)
    assert (seen["rule"], seen["count"], seen["first_at"][:4]) == ("done-missing", 6, "1970")


# -- questions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["server", "model,label", "day", "version", "model,version"])
def test_a_lake_answers_as_its_capture_does(run, filled, capture, by):
    asked = ("trend", "--by", by, "--format", "json")
    assert run(*asked, f"lake:{filled}").out == run(*asked, capture).out
    lake, database = (
        [{key: value for key, value in one.items() if not key.endswith("_id")} for one in json.loads(said.out)]
        for said in (run("ls", target, "--first-seen", "--by", by, "--json") for target in (f"lake:{filled}", capture))
    )
    assert sorted(map(str, lake)) == sorted(map(str, database))


def test_what_has_no_time_is_told_as_everything_else(run, tmp_path):
    """Bodies that were imported have none."""
    capture, lake = tmp_path / "bodies.db", tmp_path / "lake"
    with CaptureDB(capture, write=True) as database:
        database.add(replace(streams.exchange(NO_DONE), started_at=None))
    run("lake", "add", capture, "--to", lake)
    for words in (("trend",), ("trend", "--format", "json"), ("trend", "--by", "day", "--format", "svg")):
        told = run(words[0], f"lake:{lake}", *words[1:])
        assert (told.code, told.err) == (0, "")
        assert told.out == run(words[0], capture, *words[1:]).out
        assert "done-missing" in told.out


def test_the_version_is_what_headers_tell_of_it(run, filled):
    told = json.loads(
        run("trend", f"lake:{filled}", "--rule", "done-missing", "--by", "version", "--format", "json").out
    )
    assert {one["version"]: (one["count"], one["total"]) for one in told} == {
        "server: uvicorn": (1, 2),
        "unknown": (1, 5),
        "x-litellm-version: 1.0": (2, 3),
    }


def test_where_a_rule_began_in_a_lake(run, filled, capture):
    lake, database = (
        json.loads(run("bisect", target, "--rule", "done-missing", "--json").out)
        for target in (f"lake:{filled}", capture)
    )
    assert [(one["first"]["at"], one["before"]["at"], one["since"]) for one in lake] == [
        (one["first"]["at"], one["before"]["at"], one["since"]) for one in database if one["upstream"] != "unknown"
    ]


def test_shares_as_pictures_and_as_parquet(run, filled, capture, tmp_path):
    pictures = [run("trend", one, "--by", "model,day", "--format", "svg").out for one in (f"lake:{filled}", capture)]
    assert pictures[0] == pictures[1]
    drawn = ElementTree.fromstring(pictures[0])
    panels = [one for one in drawn.iter("{http://www.w3.org/2000/svg}g") if "done-missing" in "".join(one.itertext())]
    assert {"".join(bar.itertext()) for panel in panels for bar in panel.iter("{http://www.w3.org/2000/svg}rect")} == {
        "2026-11-10: 1 of 1",
        "2026-11-11: 1 of 1",
        "2026-11-12: 1 of 1",
    }
    assert run("trend", capture, "--by", "model", "--format", "svg").code == 2
    assert run("trend", capture, "--by", "day", "--format", "parquet", "-o", tmp_path / "out.parquet").code == 0
    said = json.loads(run("trend", capture, "--by", "day", "--format", "json").out)
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == said


def test_the_list_of_a_lake_is_its_newest(run, filled):
    listed = json.loads(run("ls", f"lake:{filled}", "--limit", "2", "--json").out)
    assert [one["started_at"][:10] for one in listed] == ["2026-11-12", "2031-01-01"]
    assert json.loads(run("ls", f"lake:{filled}", "--model", "x", "--json").out) == []


@pytest.mark.parametrize("target", ["lake", "capture"])
def test_any_question_in_sql(run, filled, capture, target, tmp_path):
    name = f"lake:{filled}" if target == "lake" else str(capture)
    asked = """SELECT j.model, count(*) AS n FROM findings f JOIN judged j USING (hash)
        WHERE rule = 'done-missing' GROUP BY ALL ORDER BY ALL"""
    assert json.loads(run("sql", name, asked, "--format", "json").out) == [
        {"model": "m0", "n": 1},
        {"model": "m1", "n": 2},
        {"model": "m2", "n": 1},
    ]
    assert run("sql", name, asked, "--format", "csv").out == "model,n\nm0,1\nm1,2\nm2,1\n"
    assert run("sql", name, asked, "--format", "parquet", "-o", tmp_path / "answer.parquet").code == 0
    assert pq.read_table(tmp_path / "answer.parquet").to_pydict() == {"model": ["m0", "m1", "m2"], "n": [1, 2, 1]}
    assert "m1" in run("sql", name, asked).out
    assert run("sql", name, asked, "--format", "parquet").code == 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')",
        "COPY (SELECT 1) TO 'out.csv'",
        "CREATE TABLE t (a INT)",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH 'new.db'",
        "SET enable_external_access = true",
        "PRAGMA enable_external_access",
        "SELECT 1; DROP VIEW findings",
        "SELECT * FROM monkeypatch",
        "SELECT nope FROM findings",
        "",
    ],
)
def test_a_query_reads_the_lake_and_nothing_else(run, filled, tmp_path, query):
    done = run("sql", f"lake:{filled}", query)
    assert done.code in (2, 3)
    assert len(done.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == []


def test_a_question_about_a_table_that_is_not_there_is_told_which_are(run, filled):
    done = run("sql", f"lake:{filled}", "SELECT * FROM nope")
    assert done.code == 2
    assert "Table with name nope does not exist! The views are exchanges, judged and findings" in done.err
    assert "findings" in run("sql", f"lake:{filled}", "SELECT 'findings' FROM (DESCRIBE findings)").out


def test_the_files_of_a_lake_are_what_the_page_says(filled):
    with pytest.raises(UnreadableInputError):
        files.read(LakePlace(str(filled)), "exchanges/none.parquet")
    page = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
    judged, found = columns.schemas()
    from streamlab.storage.lake import rows

    for schema in (rows.schema(), judged, found):
        assert [name for name in schema.names if f"`{name}`" not in page] == []


@pytest.mark.parametrize(("raised", "code"), [(RuntimeError("Query interrupted"), 130), (MemoryError(), 3)])
def test_a_query_that_is_broken_off_or_too_large_ends_in_order(run, filled, monkeypatch, raised, code):
    class Answer:
        description = (("n",),)

        def fetchall(self):
            raise raised  # as DuckDB does at Ctrl-C, and Python where an answer is too large

    class Connection:
        def __init__(self, real):
            self._real = real

        def __getattr__(self, name):
            return getattr(self._real, name)

        def execute(self, query, *parameters):
            found = self._real.execute(query, *parameters)
            return Answer() if parameters else found

    class Asked(asking.LakeQuestions):
        def __init__(self):
            super().__init__()
            self._connection = Connection(self._connection)

    monkeypatch.setattr("streamlab.workflows.asked.LakeQuestions", Asked)
    done = run("sql", f"lake:{filled}", "SELECT 1")
    assert done.code == code
    assert len(done.err.splitlines()) <= 1
