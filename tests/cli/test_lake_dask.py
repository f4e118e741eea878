"""Dask as the engine: the same findings as processes here, and none lost or double when somebody is killed.

`make test-all` installs Dask for it; `make test` does without (docs/fleet.md says what is promised).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.lake.place import LakePlace
from tests import streams

pytest.importorskip("pyarrow")
pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

DAYS, A_DAY = 24, 3


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A lake of many small files, not judged."""
    from streamlab.workflows import fleet

    home = tmp_path_factory.mktemp("dask")
    with CaptureDB(home / "gateway.db", write=True) as database:
        for number in range(DAYS * A_DAY):
            exchange = streams.exchange(streams.sse(streams.chat_text(), done=number % 5 > 0))
            day = f"2026-11-{number // A_DAY + 1:02d}T08:00:00.{number:06d}Z"
            database.add(replace(exchange, started_at=day))
    place = LakePlace(str(home / "lake"))
    fleet.add([str(home / "gateway.db")], place, recorder=None, masking=None, advance=lambda: None, warn=pytest.fail)
    return home / "lake"


def _judged(lake: Path) -> dict[str, bytes]:
    found = sorted((lake / "findings").rglob("*.parquet"))
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def expected(filled, tmp_path_factory) -> dict[str, bytes]:
    """What one process says."""
    from streamlab.workflows import fleet

    lake = Path(shutil.copytree(filled, tmp_path_factory.mktemp("expected") / "lake"))
    assert fleet.Lake(LakePlace(str(lake)), pytest.fail).judge(fleet.LocalEngine(1), pytest.fail) == DAYS * A_DAY
    return _judged(lake)


@pytest.fixture
def lake(filled, tmp_path) -> Path:
    """The lake, not judged."""
    return Path(shutil.copytree(filled, tmp_path / "lake"))


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]]:
    """A running cluster, each part a process of its own: its address, its scheduler, its workers."""
    said = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    here = ["--scheduler-file", str(said), "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", "--port", "0", "--host", "127.0.0.1", *here], **quiet)  # type: ignore[call-overload]
    one = [*dask, "worker", *here, "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
    workers = [subprocess.Popen(one, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    try:
        from distributed import Client

        with Client(scheduler_file=str(said), timeout="60s") as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, scheduler, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_a_cluster_of_its_own_writes_what_one_process_writes(lake, expected):
    from streamlab.workflows import fleet

    opened = fleet.Lake(LakePlace(str(lake)), pytest.fail)
    assert opened.judge(fleet.DaskEngine(2), pytest.fail) == DAYS * A_DAY
    assert _judged(lake) == expected
    assert opened.judge(fleet.DaskEngine(2), pytest.fail) == 0


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(lake, expected, cluster):
    from streamlab.workflows import fleet

    address, _, workers = cluster
    done = []

    def advance(count: int) -> None:
        done.append(count)
        if len(done) == 3:
            workers[0].kill()

    opened = fleet.Lake(LakePlace(str(lake)), pytest.fail)
    assert opened.judge(fleet.DaskEngine(address=address), pytest.fail, advance) == DAYS * A_DAY
    assert workers[0].wait() == -signal.SIGKILL
    assert _judged(lake) == expected


def test_a_scheduler_that_is_killed_is_said_and_the_rest_is_done_next_time(lake, expected, cluster):
    from streamlab.workflows import fleet

    address, scheduler, workers = cluster
    done = []

    def advance(count: int) -> None:
        done.append(count)
        if len(done) == 3:
            scheduler.kill()

    opened = fleet.Lake(LakePlace(str(lake)), pytest.fail)
    with pytest.raises(CouldNotRunError) as told:
        opened.judge(fleet.DaskEngine(address=address), pytest.fail, advance)
    assert len(str(told.value).splitlines()) == 1
    for one in workers:  # they finish what they have begun, also without a scheduler: not while it is counted
        one.kill()
        one.wait()
    kept = len(_judged(lake)) // 2
    assert kept >= 3
    again = fleet.Lake(LakePlace(str(lake)), pytest.fail).judge(fleet.LocalEngine(1), pytest.fail)
    assert again == (DAYS - kept) * A_DAY
    assert _judged(lake) == expected


def test_no_cluster_is_said(run, lake):
    done = run("check", f"lake:{lake}", "--cluster", "tcp://127.0.0.1:9")
    assert done.code == 3
    assert "no Dask cluster at tcp://127.0.0.1:9" in done.err
    assert run("check", f"lake:{lake}", "--cluster", "tcp://127.0.0.1:9", "--workers", "2").code == 2


def test_a_client_that_is_killed_leaves_what_was_judged(lake, expected):
    command = [sys.executable, "-m", "streamlab", "check", f"lake:{lake}", "--workers", "2", "--json"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while running.poll() is None and len(_judged(lake)) < 6:
        os.sched_yield()
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    done = subprocess.run([*command[:-1]], check=False, capture_output=True)
    assert done.returncode == 1, done.stderr
    assert _judged(lake) == expected
