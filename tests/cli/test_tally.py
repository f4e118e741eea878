"""Two folders, or many runs, counted against each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.comparing.tally import pair_up
from streamlab.exchange import Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows.replay import replay
from tests import streams

CLEAN = streams.chat_text("One", " two")
FAULTY = [{**one, "object": "chunk"} for one in CLEAN]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Three exchanges straight from the model, and the same behind a gateway without [DONE], two with faults."""
    for number, behind in enumerate((FAULTY, FAULTY, CLEAN)):
        request = streams.request_for(seed=number)
        write_exchange_dir(streams.exchange(streams.sse(CLEAN), request=request), tmp_path / "direct" / f"q{number}")
        exchange = streams.exchange(streams.sse(behind, done=False), request=request)
        write_exchange_dir(exchange, tmp_path / "gateway" / f"asked-{number}")
    write_exchange_dir(streams.exchange(streams.sse(CLEAN)), tmp_path / "direct" / "alone")
    return str(tmp_path / "direct"), str(tmp_path / "gateway")


def test_folders_are_counted_against_each_other(run, folders):
    done = run("compare", *folders, "--json")
    said = json.loads(done.out)
    assert done.code == 1
    assert (said["a"]["right"], said["a"]["exchanges"]) == (4, 4)
    assert (said["b"]["right"], said["b"]["exchanges"]) == (1, 3)
    assert said["pairs"] == 3
    assert said["unpaired"] == ["alone"]
    counts = {one["rule"]: (one["a"], one["b"]) for one in said["rules"]}
    assert counts["object-wrong"] == (0, 2)
    assert counts["done-missing"] == (0, 3)
    lost = next(one for one in said["differences"] if one["kind"] == "done-lost")
    assert lost["pairs"] == 3


def test_a_tally_is_text_to_paste(run, folders):
    said = run("compare", *folders, "--markdown").out
    assert "**direct: 4 of 4 right · gateway: 1 of 3 right**" in said
    assert "| `object-wrong` | error | – | 2 of 3 |" in said
    assert "4 of 4 right" in run("compare", *folders).out


def test_a_folder_beside_itself_is_no_difference(run, folders):
    assert run("compare", folders[0], folders[0]).code == 0


def test_a_comparison_of_two_is_a_block_to_paste(run, folders):
    two = (f"{folders[0]}/q0", f"{folders[1]}/asked-0")
    plain, pasted = run("compare", *two), run("compare", *two, "--markdown")
    assert pasted.code == plain.code == 1
    assert pasted.out.split() == ["```text", *plain.out.split(), "```"]  # wrapped elsewhere: it has a width of its own


def test_pairs_are_those_of_a_name_else_of_a_request_in_order():
    a = [("x", {"q": 1}), ("one", {"q": 2}), ("two", {"q": 2}), ("none", None)]
    b = [("second", {"q": 2}), ("x", {"q": 9}), ("third", {"q": 2}), ("unknown", None)]
    assert list(pair_up(a, b)) == [(0, 1), (1, 0), (2, 2)]


# -- many runs ------------------------------------------------------------------------------------------------------


def _run_seen(at: int, tap: str, body: bytes, prompt: str, later_us: int = 0) -> Exchange:
    """What a tap saw of the run that began in minute ``at``."""
    request = streams.request_for(messages=[{"role": "user", "content": prompt}], model=tap)
    seen = replace(streams.exchange(body, request=request), tap=tap, end_us=1_000_000 - 2 * later_us)
    return replace(seen, started_at=f"2026-11-28T10:{at:02}:00.{later_us:06}Z")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Five runs through a gateway that breaks its answers from the second on; it never asked the model in the last."""
    path = tmp_path / "runs.db"
    with CaptureDB(path, write=True) as db:
        for at in range(5):
            prompt = f"Question {at} about the weather"
            broken = streams.sse(FAULTY, done=False)
            db.add(_run_seen(at, "gateway", broken if at else streams.sse(CLEAN), prompt))
            if at < 4:
                db.add(_run_seen(at, "model", streams.sse(CLEAN), prompt, 10_000))
    return path


@pytest.mark.parametrize(("count", "right", "of", "pairs"), [(3, 0, 3, 2), (5, 1, 5, 4), (50, 1, 5, 4)])
def test_the_newest_runs_of_a_database_are_counted(run, database, count, right, of, pairs):
    done = run("compare", "--runs", str(count), "--db", database, "--json")
    said = json.loads(done.out)
    assert done.code == 1
    assert (said["a"]["name"], said["b"]["name"]) == ("model", "gateway")
    assert (said["b"]["right"], said["b"]["exchanges"]) == (right, of)
    assert said["a"]["right"] == said["a"]["exchanges"] == said["pairs"] == pairs
    assert said["unpaired"] == ["#9"]
    lost = next(one for one in said["differences"] if one["kind"] == "done-lost")
    assert lost["pairs"] == pairs - (right == 1)


def test_a_question_is_asked_of_two_servers_by_turns(run, folders, tmp_path):
    direct, gateway = (Path(one) for one in folders)
    with replay(direct / "q0", match="any", speed=0) as a, replay(gateway / "asked-0", match="any", speed=0) as b:
        asked = ("compare", a.base_url, b.base_url, "--runs", "3", "--ask", direct / "q0")
        done = run(*asked, "--markdown")
        assert (len(a.requests), len(b.requests)) == (3, 3)
        assert done.code == 1
        sides = [f"{host}:{port}" for host, port in (a.address, b.address)]
        assert f"**{sides[0]}: 3 of 3 right · {sides[1]}: 0 of 3 right**" in done.out
        assert "| `object-wrong` | error | – | 3 of 3 |" in done.out
        assert "| `done-lost` | warning | 3 |" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--runs", "3", "a", "b"), "two base URLs"),
        (("--ask", "last", "http://127.0.0.1:1", "http://127.0.0.1:2"), "give --runs N"),
        (("--runs", "3", "http://127.0.0.1:1", "http://127.0.0.1:2"), "--ask TARGET"),
        (("--runs", "3", "--ask", "last"), "two base URLs"),
        (("--runs", "3", "--hops", "last"), "give --runs N alone"),
    ],
)
def test_runs_that_make_no_sense_are_refused(run, words, said):
    done = run("compare", *words)
    assert done.code == 2
    assert said in done.err


def test_a_database_of_one_tap_is_told_how_to_record_two(run, tmp_path):
    with CaptureDB(tmp_path / "one.db", write=True) as db:
        db.add(streams.exchange(streams.sse(CLEAN)))
    done = run("compare", "--runs", "3", "--db", tmp_path / "one.db")
    assert done.code == 2
    assert "no two taps saw one conversation" in done.err
