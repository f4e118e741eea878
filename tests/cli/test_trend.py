"""Questions over many exchanges: shares by group, and where a rule began; from a database and from a folder."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.exchange import Request
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams

CLEAN = streams.sse(streams.chat_text())
NO_DONE = streams.sse(streams.chat_text(), done=False)
#: What was recorded, oldest first: model, label, body.
RECORDED = [("a", "v1", CLEAN), ("a", "v1", CLEAN), ("b", "v1", NO_DONE), ("a", "v2", NO_DONE), ("a", "v2", CLEAN)]


def _exchanges():
    for number, (model, label, body) in enumerate(RECORDED):
        answered = body.replace(streams.MODEL.encode(), model.encode())
        exchange = streams.exchange(answered, request=streams.request_for(model=model), label=label)
        yield replace(exchange, started_at=f"2026-11-{number + 10}T08:00:00.000000Z")
    # Which no rule is for: it is no share of anything.
    models = streams.exchange(b'{"object": "list", "data": []}', headers=(("content-type", "application/json"),))
    request = Request("GET", "http://127.0.0.1:8000/v1/models")
    yield replace(models, request=request, label="v1", started_at="2026-11-12T09:00:00.000000Z")


@pytest.fixture(params=["database", "folder"])
def target(request, tmp_path) -> Path:
    if request.param == "database":
        path = tmp_path / "recorded.db"
        with CaptureDB(path, write=True) as database:
            for exchange in _exchanges():
                database.add(exchange)
        return path
    for number, exchange in enumerate(_exchanges()):
        write_exchange_dir(exchange, tmp_path / "recorded" / f"{number}")
    return tmp_path / "recorded"


def test_shares_by_every_group(run, target):
    def shares(by):
        said = json.loads(run("trend", target, "--rule", "done-missing", "--by", by, "--format", "json").out)
        return {tuple(one[word] for word in by.split(",")): (one["count"], one["total"]) for one in said}

    assert shares("server") == {("http://127.0.0.1:8000",): (2, 5)}
    assert shares("label") == {("v1",): (1, 3), ("v2",): (1, 2)}
    assert shares("model,label") == {("a", "v2"): (1, 2), ("b", "v1"): (1, 1)}
    assert shares("day") == {("2026-11-12",): (1, 1), ("2026-11-13",): (1, 1)}


def test_the_same_as_table_csv_and_markdown(run, target):
    asked = ("trend", target, "--rule", "done-*", "--by", "label", "--format")
    rows = list(csv.DictReader(io.StringIO(run(*asked, "csv").out)))
    assert [(row["label"], row["count"], row["total"]) for row in rows] == [("v1", "1", "3"), ("v2", "1", "2")]
    assert "| v2 | `done-missing` | warning | 1 of 2 | 50.0% |" in run(*asked, "markdown").out
    assert "1 of 3" in run(*asked, "table").out


def test_where_a_rule_began(run, target):
    done = run("bisect", target, "--rule", "done-missing", "--json")
    (onset,) = json.loads(done.out)
    assert done.code == 1
    assert (onset["before"]["at"][:10], onset["first"]["at"][:10]) == ("2026-11-11", "2026-11-12")
    assert (onset["since"], onset["after"]) == (2, 3)
    assert "in 2 of 3 from then on" in " ".join(run("bisect", target, "--rule", "done-missing").out.split())
    assert run("bisect", target, "--rule", "object-wrong").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("trend", "--by", "colour"),
        ("trend", "--rule", "nope"),
        ("bisect", "--rule", "nope"),
        ("bisect", "--rule", "d*"),
    ],
)
def test_what_makes_no_sense_is_said(run, tmp_path, words):
    with CaptureDB(tmp_path / "recorded.db", write=True):
        pass
    assert run(words[0], tmp_path / "recorded.db", *words[1:]).code == 2
