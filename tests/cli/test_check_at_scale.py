"""``streamlab check`` over many exchanges: answers while it reads, in order, on all cores, and stops when told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.storage.targets import Target, find
from streamlab.workflows.check import CheckOptions, check
from tests import streams
from tests.interruptible import INTERRUPTIBLE

_MANY = 400


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """A folder of many exchanges, every tenth without [DONE]."""
    home = tmp_path_factory.mktemp("many")
    for name, done in (("good", True), ("bad", False)):
        write_exchange_dir(streams.exchange(streams.sse(streams.chat_text(), done=done)), home / f"0-{name}")
    for at in range(_MANY):
        shutil.copytree(home / ("0-bad" if at % 10 == 0 else "0-good"), home / f"{at:04d}")
    for name in ("good", "bad"):
        shutil.rmtree(home / f"0-{name}")
    return home


def test_answers_in_order_while_it_reads(many):
    taken = 0

    def targets() -> Iterator[Target]:
        nonlocal taken
        while True:  # more than anybody could hold
            for target in find(str(many)):
                taken += 1
                yield target

    answers = check(targets(), CheckOptions())
    first = next(answers)
    assert Path(first.target.path).name == "0000"
    in_flight = 65 + 32 * (2 * (os.cpu_count() or 1) + 1)
    assert taken <= in_flight
    following = list(islice(answers, 600))
    assert taken <= 600 + 2 * in_flight
    answers.close()  # type: ignore[attr-defined]
    names = [Path(one.target.path).name for one in following]
    assert names == [f"{(at + 1) % _MANY:04d}" for at in range(600)]


def test_several_processes_find_what_one_finds(many):
    several = {one.target.path: one.report for one in check(find(str(many)), CheckOptions())}
    for target in islice(find(str(many)), 0, _MANY, 37):
        (alone,) = check([target], CheckOptions())
        assert alone.report == several[target.path]
    assert len(several) == _MANY


def test_ctrl_c_ends_it_quietly(many):
    command = [*INTERRUPTIBLE, "check", *[str(many)] * 20, "--format", "json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=many
    ) as running:
        assert running.stdout is not None
        assert running.stdout.read(100)  # it has begun; nobody reads on, so it cannot end by itself
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=600)
    assert running.returncode == 130
    assert b"Traceback" not in err + out


def test_a_whole_folder_is_one_document(run, many):
    document = json.loads(run("check", many, "--format", "json").out)
    assert len(document["exchanges"]) == _MANY
    assert document["summary"]["warning"] == _MANY // 10
