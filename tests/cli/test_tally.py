"""Two folders counted against each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamlab.comparing.tally import pair_up
from streamlab.storage.exchange_dir import write_exchange_dir
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


def test_markdown_is_for_folders(run, folders):
    done = run("compare", f"{folders[0]}/q0", f"{folders[1]}/asked-0", "--markdown")
    assert done.code == 2
    assert "export --as markdown" in done.err


def test_pairs_are_those_of_a_name_else_of_a_request_in_order():
    a = [("x", {"q": 1}), ("one", {"q": 2}), ("two", {"q": 2}), ("none", None)]
    b = [("second", {"q": 2}), ("x", {"q": 9}), ("third", {"q": 2}), ("unknown", None)]
    assert list(pair_up(a, b)) == [(0, 1), (1, 0), (2, 2)]
