"""A lake in an object store: moto's S3 server on the loopback, asked through s3fs by this process and by others.

`make test-all` installs both for it; `make test` does without (docs/fleet.md says what is promised).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.targets import find
from tests import streams

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow

COUNT = 80


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """An empty bucket; every process finds the store by its environment, as it finds a real one."""
    patch = pytest.MonkeyPatch()
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    told = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**told, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"}.items():
        patch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        s3fs.S3FileSystem().mkdir("streams")
        yield "s3://streams"
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()
        patch.undo()


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    """So many exchanges that several processes judge them."""
    path = tmp_path_factory.mktemp("s3") / "gateway-07.db"
    with CaptureDB(path, write=True) as database:
        for number in range(COUNT):
            exchange = streams.exchange(streams.sse(streams.chat_text(), done=number % 5 > 0))
            day = f"2026-11-{number % 4 + 1:02d}T08:00:00.{number:06d}Z"
            database.add(replace(exchange, started_at=day, label=f"v{number % 3}"))
    return path


def _outcomes(document: str) -> list[str]:
    return sorted(json.dumps({**one, "source": None, "id": None}) for one in json.loads(document)["exchanges"])


def test_a_lake_in_a_store_is_filled_judged_asked_and_opened(run, store, capture, tmp_path):
    lake = f"lake:{store}/fleet"
    added = run("lake", "add", capture, "--to", f"{store}/fleet", "--keep-secrets")
    assert (added.code, added.out.split()[:2]) == (0, ["added", str(COUNT)])
    judged = run("check", lake, "--workers", "2", "--json")
    assert judged.err == ""
    assert _outcomes(judged.out) == _outcomes(run("check", capture, "--json").out)
    there = s3fs.S3FileSystem().find("streams/fleet")
    assert _outcomes(run("check", lake, "--json").out) == _outcomes(judged.out)
    assert "added 0 exchanges" in run("lake", "add", capture, "--to", f"{store}/fleet").out
    assert s3fs.S3FileSystem().find("streams/fleet") == there  # nothing was judged or written twice

    asked = ("trend", "--by", "label,day", "--format", "json")
    assert run(*asked, lake).out == run(*asked, capture).out
    counted = run("sql", lake, "SELECT count(*) AS n FROM exchanges JOIN judged USING (hash)", "--format", "json")
    assert json.loads(counted.out) == [{"n": COUNT}]
    assert len(json.loads(run("ls", lake, "--label", "v1", "--limit", "99", "--json").out)) == len(range(1, COUNT, 3))

    name = next(find(lake)).source
    assert run("import", name, "--db", tmp_path / "new.db").code == 0
    with CaptureDB(tmp_path / "new.db") as database:
        (one,) = find(name)
        assert database.get(1).body == one.read().body


def test_small_files_in_a_store_become_large_ones_and_stay_judged(run, store, capture, tmp_path):
    lake, half = f"{store}/compacted", tmp_path / "gateway-07.db"
    with CaptureDB(half, write=True) as database:
        for target in list(find(str(capture)))[: COUNT // 2]:
            database.add(replace(target.read(), id=None))
    for added in (half, capture):
        assert run("lake", "add", added, "--to", lake).code == 0
    before = _outcomes(run("check", f"lake:{lake}", "--json").out)
    done = run("lake", "compact", lake)
    assert (done.code, done.out.split(" of ")[0], "made into 4: " in done.out) == (0, "8 files", True)
    assert _outcomes(run("check", f"lake:{lake}", "--json").out) == before
    assert len(before) == COUNT
    assert run("lake", "compact", lake).out.startswith("0 files")


def test_a_torn_file_in_a_store_is_named_and_the_rest_judged(run, store, capture):
    run("lake", "add", capture, "--to", f"{store}/torn", "--keep-secrets")
    system = s3fs.S3FileSystem()
    first, *_ = sorted(system.find("streams/torn/exchanges"))
    system.pipe_file(first, system.cat_file(first)[:-100])
    done = run("check", f"lake:{store}/torn", "--json")
    assert done.code == 2
    assert len(json.loads(done.out)["exchanges"]) == COUNT - COUNT // 4
    assert Path(first).name in done.err
    again = run("lake", "add", capture, "--to", f"{store}/torn", "--keep-secrets")
    assert again.out.split()[:2] == ["added", str(COUNT // 4)]


@pytest.mark.parametrize("words", [("check",), ("ls",), ("sql", "SELECT 1"), ("trend",)])
def test_no_bucket_is_said_in_one_line(run, store, words):
    command, *more = words
    done = run(command, "lake:s3://no-such-bucket/fleet", *more)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "no lake here" in done.err


def _nobody_listens() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@pytest.mark.parametrize("fault", ["nobody listens", "no credentials", "no bucket"])
def test_where_a_store_cannot_be_written_one_line_says_so(run, store, capture, monkeypatch, fault):
    place = f"{store}/refused"
    if fault == "nobody listens":
        monkeypatch.setenv("AWS_ENDPOINT_URL", _nobody_listens())
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    elif fault == "no credentials":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, "/nonexistent")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    else:
        place = "s3://no-such-bucket/fleet"
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        done = run("lake", "add", capture, "--to", place)
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
    assert done.code == 3
    assert len(done.err.splitlines()) == 1
    assert (fault == "no bucket") == ("is there such a bucket?" in done.err)
