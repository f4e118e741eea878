"""A lake as a list: the same exchanges, in the same order and with the same rows, as the list of its capture."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streamlab.errors import NotFoundError
from streamlab.storage.browsing import Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.filtering import SORTS, parse
from streamlab.storage.lake import files, layout
from streamlab.storage.lake.place import LakePlace
from streamlab.storage.rules_version import rules_version
from streamlab.storage.targets import find

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

from streamlab.storage.lake import listing
from streamlab.storage.lake.list_fields import FIELDS

CAPTURES = Path(__file__).parents[2] / "captures"
LINES = (
    "", "model:glm", "-model:glm", "label:demo tap:tgi", "ending:cut", "-ending:complete", "status:>399", "ttft:>20",
    "duration:<60", "events:>=20", "bytes:>4000", "stalls:0", "rule:tool-call-id-*", "rule:empty-200", "-rule:*finish*",
    "worst:error", "worst:none", "-worst:error", "is:clean", "-is:clean", "api:messages", "dialect:one",
    "url:responses", "tgi", "worst:warning -status:500",
)  # fmt: skip


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    """The shipped captures as one, summarized."""
    from streamlab.workflows.summarize import Wanted, summarize_all

    path = tmp_path_factory.mktemp("listed") / "gateway.db"
    with CaptureDB(path, write=True) as database:
        for target in sorted(find(str(CAPTURES)), key=lambda one: one.read().started_at or ""):
            database.add(target.read())
    summarize_all(path, Wanted(), lambda: None)
    return path


@pytest.fixture(scope="module")
def place(capture) -> LakePlace:
    """A lake of it, judged."""
    from streamlab.workflows import fleet

    found = LakePlace(str(capture.parent / "lake"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "GROUP_ROWS", 3)  # a screen shows rows of many
        fleet.add([str(capture)], found, recorder=None, masking=None, advance=lambda: None, warn=pytest.fail)
    fleet.Lake(found, pytest.fail).judge(fleet.LocalEngine(), pytest.fail)
    return found


def _list(place: LakePlace) -> listing.LakeList:
    return listing.LakeList(place, list(files.healthy(files.listed(place))), rules_version())


def _told(row):
    overview, summary = row.overview, row.summary
    if summary is not None:  # a lake says the model that was asked for where the answer says none, and draws no waits
        summary = summary._replace(gaps=b"", model=summary.model or overview.model)
    return [getattr(overview, name) for name in overview.__slots__ if name not in ("id", "in_progress")], summary


@pytest.fixture(scope="module")
def elsewhere(place) -> LakePlace:
    """The same lake where there is no folder."""
    import fsspec

    system, root = fsspec.filesystem("memory"), Path(place.address)
    for path in root.rglob("*.parquet"):
        system.pipe_file(f"/listed/{path.relative_to(root).as_posix()}", path.read_bytes())
    return LakePlace("memory://listed")


@pytest.mark.parametrize("where", ["place", "elsewhere"])
def test_rows_order_and_filters_are_those_of_the_capture(capture, where, request):
    listed, browser = _list(request.getfixturevalue(where)), Browser(capture)
    assert listed.waiting == 0
    for line in LINES if where == "place" else LINES[::6]:
        wanted = parse(line, FIELDS)
        assert not wanted.problems
        ids, expected = list(listed.ids(wanted)), list(browser.ids(parse(line)))
        ours, theirs = listed.rows(ids), browser.rows(expected)
        assert [_told(ours[one]) for one in ids] == [_told(theirs[one]) for one in expected], line
    assert browser.ids(parse("model:glm"))  # there is something to compare
    browser.close()


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_sorts_by_what_it_says(capture, place, sort):
    listed, browser = _list(place), Browser(capture)
    ids, expected = list(listed.ids(parse("", FIELDS), sort)), list(browser.ids(parse(""), sort))
    ours, theirs = listed.rows(ids), browser.rows(expected)
    key = {
        "newest": lambda row: row.overview.started_at,
        "model": lambda row: (row.overview.model or row.summary.model or "").lower(),
        "status": lambda row: row.overview.status,
        "events": lambda row: row.summary.events,
        "bytes": lambda row: row.overview.bytes,
        "TTFT": lambda row: row.summary.ttft_us,
        "duration": lambda row: row.overview.end_us,
        "worst finding": lambda row: row.summary.worst if row.summary.worst != "not-judged" else None,
    }[sort]
    assert [key(ours[one]) for one in ids] == [key(theirs[one]) for one in expected]
    browser.close()


def test_a_number_leads_to_its_exchange(capture, place):
    listed = _list(place)
    for number, row in listed.rows(list(listed.ids(parse("", FIELDS)))).items():
        exchange = next(one for one in find(f"lake:{place.address}") if one.row == listed.row(number)).read()
        assert (exchange.started_at, exchange.tap) == (row.overview.started_at, row.overview.tap)
    for number in (0, 26, 2**40):
        with pytest.raises(NotFoundError):
            listed.row(number)


def test_what_was_not_judged_is_there_without_findings(place, tmp_path):
    unjudged = LakePlace(str(shutil.copytree(place.address, tmp_path / "lake")))
    shutil.rmtree(tmp_path / "lake" / "findings")
    listed = _list(unjudged)
    assert listed.waiting == 25
    ids = list(listed.ids(parse("", FIELDS), "worst finding"))
    assert len(ids) == 25
    assert all(row.summary is None for row in listed.rows(ids).values())
    assert not listed.ids(parse("worst:error", FIELDS))


def test_a_torn_row_group_hides_no_other_rows(place, tmp_path):
    torn = LakePlace(str(shutil.copytree(place.address, tmp_path / "lake")))
    listed = _list(torn)
    ids = list(listed.ids(parse("", FIELDS)))
    victim = max((tmp_path / "lake" / "exchanges").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    victim.write_bytes(b"PAR1 torn")
    assert 0 < len(listed.rows(ids)) < len(ids)


def test_torn_findings_cost_what_they_say_and_no_more(place, tmp_path):
    torn = LakePlace(str(shutil.copytree(place.address, tmp_path / "lake")))
    listed, said = _list(torn), sorted((tmp_path / "lake" / "findings").rglob("judged/*.parquet"))
    said[0].write_bytes(b"PAR1 torn")
    ids = list(listed.ids(parse("", FIELDS), "worst finding"))
    summaries = [row.summary for row in listed.rows(ids).values()]
    assert len(summaries) == 25
    assert 0 < sum(one is None for one in summaries) < 25


def test_an_empty_lake_is_an_empty_list(tmp_path):
    (tmp_path / "exchanges").mkdir()
    assert not _list(LakePlace(str(tmp_path))).ids(parse("model:x", FIELDS))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--rule", "tool-call-id-*"), 2),
        (("--model", "glm", "--limit", "3"), 3),
        (("--since", "2026-11-27"), 10),
        (("--filter", "status:500"), 1),
        (("--filter", "recorder:gateway -api:chat"), 12),
    ],
)
def test_the_list_of_a_lake_is_filtered(run, place, words, count):
    import json

    assert len(json.loads(run("ls", f"lake:{place.address}", *words, "--json").out)) == count


def test_what_a_lake_has_not_is_said(run, place):
    for words in (("--filter", "note:x"), ("--filter", "is:live"), ("--first-seen", "--model", "x")):
        done = run("ls", f"lake:{place.address}", *words)
        assert done.code == 2, words
    assert "nothing fits" in run("ls", f"lake:{place.address}", "--model", "nobody").err
