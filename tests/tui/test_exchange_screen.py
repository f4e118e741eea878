"""One exchange: every key of the screen, on the shipped captures."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key

from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen
from streamlab.tui.screens.page import HelpScreen, PageScreen
from streamlab.tui.widgets.findings_pane import FindingsPane
from tests import streams
from tests.tui.driving import CAPTURES, SIZES

TOOLS, NEWLINE = CAPTURES / "glm4-tool-ids", CAPTURES / "glm4-newline"

#: Each seed system's capture, the rule it is shipped for, and where it shows.
FAULTS = [
    ("chatglm3-short-empty", "empty-200", 0),
    ("glm4-follow-up-500", "http-error-body-shape", 1),
    ("glm4-mid-stream-cut", "truncated-chunked-body", 9),
    ("glm4-newline", "plain-text-in-data", 7),
    ("glm4-tool-ids", "tool-call-id-unstable", 1),
    ("oneapi-gemini-no-finish", "finish-reason-missing", 2),
    ("oneapi-gemini-stop-everywhere", "finish-reason-every-chunk", 0),
    ("oneapi-glm4-newline", "plain-text-in-data", 8),
    ("onehub-double-finish", "finish-reason-repeated", 3),
]


@pytest.mark.parametrize(("name", "rule", "row"), FAULTS)
def test_each_seed_system_opens_one_key_from_its_fault(run, name, rule, row):
    async def story(driver):
        await driver.settle()
        assert driver.exchange.cursor == 0
        await driver.press("n")
        await driver.settle()
        assert driver.exchange.finding is not None
        assert driver.exchange.finding.rule == rule
        assert driver.exchange.cursor == row
        assert rule in driver.text()

    run(story, CAPTURES / name)


def test_a_messages_stream_stands_beside_what_anthropic_would_have_sent(run):
    async def story(driver):
        await driver.settle()
        await driver.press("n")
        await driver.settle()
        text = driver.text()
        assert "Anthropic would not have sent it" in text
        assert "OpenAI would" not in text

    run(story, CAPTURES / "messages-gateway-two-starts")


def test_the_four_parts_move_together(run):
    async def story(driver):
        await driver.settle()
        await driver.press("j", "j")
        await driver.settle()
        text = driver.text()
        assert driver.exchange.cursor == 2
        assert "Diff · event 2" in text
        assert "tool_calls[0].id" in text
        assert "Bytes · 797 to 1,187" in text
        assert "Client · after event 2" in text
        assert '{"' in text

    run(story, TOOLS, size=(200, 50))


def test_moving_by_keys(run):
    async def story(driver):
        await driver.settle()
        screen = driver.exchange
        for key, row in (("G", 24), ("k", 23), ("g", 0), ("j", 1), ("full_stop", 2), ("comma", 1), ("end", 24)):
            await driver.press(key)
            assert screen.cursor == row, key

    run(story, TOOLS)


def test_findings_go_round_in_their_order_and_back(run):
    async def story(driver):
        await driver.settle()
        pane = driver.exchange.query_one(FindingsPane)
        rules = [one.rule for one in pane.findings]
        visited = []
        for _ in range(len(rules) + 1):
            await driver.press("n")
            visited.append(driver.exchange.finding.rule)
        assert visited == [*rules, rules[0]]
        await driver.press("N")
        assert driver.exchange.finding.rule == rules[-1]

    run(story, NEWLINE)


def test_the_bytes_of_a_finding_are_pointed_at(run):
    async def story(driver):
        await driver.settle()
        await driver.press("n")
        await driver.settle()
        pane = driver.exchange.query_one("#bytes")
        start, stop = driver.exchange.finding.span
        raw = driver.exchange.viewed.exchange.body[start:stop].decode()
        shown = "".join(
            line.plain[span.start : span.end]
            for line in pane.lines(200)
            for span in line.spans
            if getattr(span.style, "reverse", False)
        )
        assert shown == raw

    run(story, TOOLS, size=(200, 50))


def test_stalls(run, database):
    from streamlab.storage.capture_db import CaptureDB
    from tests import streams

    body = streams.sse(streams.chat_text(*"abcdef"))
    exchange = streams.exchange(body)
    late = tuple(
        type(one)(one.offset_us + (2_000_000 if at >= 4 else 0) + (3_000_000 if at >= 6 else 0), one.data)
        for at, one in enumerate(exchange.segments)
    )
    with CaptureDB(database, write=True) as db:
        number = db.add(type(exchange)(**{**_fields(exchange), "segments": late, "end_us": late[-1].offset_us}))

    async def story(driver):
        driver.app.open_exchange(number)
        await driver.pilot.pause()
        await driver.settle()
        for key, row in (
            ("right_square_bracket", 4),
            ("right_square_bracket", 6),
            ("right_square_bracket", 6),
            ("left_square_bracket", 4),
        ):
            await driver.press(key)
            assert driver.exchange.cursor == row
        assert "━" in driver.text()

    run(story, db=database)


def _fields(exchange):
    return {name: getattr(exchange, name) for name in exchange.__slots__}


def test_without_a_stall_the_longest_wait_is_shown(run):
    async def story(driver):
        await driver.settle()
        await driver.press("right_square_bracket")
        assert driver.exchange.cursor == 7

    run(story, NEWLINE)


def test_zoom_goes_from_the_whole_stream_to_a_millisecond(run):
    async def story(driver):
        await driver.settle()
        timeline = driver.exchange.timeline
        start, whole = timeline.drawing.axis.window
        assert start == 0
        await driver.press("j", "j", "j")
        await driver.press(*["plus"] * 20)
        start, stop = timeline.drawing.axis.window
        assert stop - start == 1_000
        assert start <= driver.exchange.viewed.events.place(3).offset_us <= stop
        await driver.press("j")
        assert (
            timeline.drawing.axis.window[0]
            <= driver.exchange.viewed.events.place(4).offset_us
            <= timeline.drawing.axis.window[1]
        )
        await driver.press("minus")
        assert timeline.drawing.axis.window[1] - timeline.drawing.axis.window[0] == 2_000
        await driver.press("0")
        assert timeline.drawing.axis.window == (0, whole)

    run(story, TOOLS)


@pytest.mark.parametrize("size", SIZES)
def test_every_part_can_be_reached(run, size):
    async def story(driver):
        await driver.settle()
        for key, name in (("d", "diff"), ("b", "bytes"), ("c", "client"), ("f", "findings"), ("t", "timeline")):
            await driver.press(key)
            assert driver.app.focused.id == name
            assert driver.app.focused.size.height > 2, name

    run(story, TOOLS, size=size)


def test_enter_goes_from_a_finding_to_its_event_and_from_an_event_to_its_diff(run):
    async def story(driver):
        await driver.settle()
        await driver.press("f", "enter")
        assert driver.exchange.cursor == 7
        await driver.press("t", "enter")
        assert driver.app.focused.id == "diff"

    run(story, NEWLINE)


def test_the_rule_of_a_finding_is_explained_in_place(run):
    async def story(driver):
        await driver.settle()
        await driver.press("n", "o")
        assert isinstance(driver.app.screen, PageScreen)
        await driver.until(lambda: "What OpenAI does" in driver.text())
        await driver.press("j", "k", "q")
        assert isinstance(driver.app.screen, ExchangeScreen)

    run(story, TOOLS)


def test_search_finds_forwards_and_goes_on(run):
    async def story(driver):
        await driver.settle()
        await driver.press("slash")
        await driver.type("function")
        await driver.press("enter")
        await driver.until(lambda: driver.exchange.cursor == 1)
        await driver.press("ctrl+g")
        await driver.until(lambda: driver.exchange.cursor == 2)
        driver.exchange.search.text = "nowhere to be found"
        driver.exchange.search_on(1)
        await driver.until(lambda: "nowhere" in driver.text())

    run(story, TOOLS)


def test_an_event_by_its_number(run):
    async def story(driver):
        await driver.settle()
        await driver.press("colon", "1", "7", "enter")
        assert driver.exchange.cursor == 17

    run(story, TOOLS)


def test_play_runs_in_time_and_stops_at_a_finding(run):
    async def story(driver):
        await driver.settle()
        await driver.press("space")
        await driver.until(lambda: not driver.exchange.play.player.running)
        # The stream has findings everywhere; the first after the start stops it.
        assert driver.exchange.cursor == 1
        assert "stopped at a finding" in driver.text()
        await driver.app.run_command(driver.exchange, "break_on('findings')")
        await driver.press("greater_than_sign", "greater_than_sign", "greater_than_sign", "greater_than_sign")
        assert driver.exchange.play.player.speed == 50
        await driver.press("space")
        await driver.until(lambda: not driver.exchange.play.player.running)
        assert driver.exchange.cursor == 23
        await driver.press("less_than_sign")
        assert driver.exchange.play.player.speed == 10

    run(story, TOOLS)


def test_neighbours_are_one_key_away(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press("enter")
        await driver.settle()
        assert driver.exchange.exchange_id == 15
        await driver.press("right_curly_bracket")
        await driver.settle()
        assert driver.exchange.exchange_id == 14
        await driver.press("left_curly_bracket", "left_curly_bracket")
        await driver.settle()
        assert driver.exchange.exchange_id == 15

    run(story, db=database)


def test_marks_and_notes_of_events(run, database):
    async def story(driver):
        await driver.settle()
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.press("j", "m")
        assert driver.app.watcher.marks(5) == {1: ""}
        assert "*" in driver.text()
        await driver.press("m")
        assert driver.app.watcher.marks(5) == {}
        await driver.press("a")
        await driver.type("look")
        await driver.press("enter")
        assert driver.app.watcher.marks(5) == {1: "look"}

    run(story, db=database)


def test_share_says_what_is_masked_and_writes_a_bundle_and_a_page(run, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def story(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.app.run_command(driver.app.screen, "share")
        await driver.until(lambda: "write a bundle and a page" in driver.text())
        assert "nothing to mask in the bodies" in driver.text()
        await driver.press("enter")
        await driver.until(lambda: "shared: " in driver.text())

    run(story, db=database)
    assert sorted(one.suffix for one in (tmp_path / "shared").iterdir()) == [".html", ".slab"]


def test_export_writes_a_fixture(run, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def story(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.press("e", "enter")
        await driver.until(lambda: list(Path("fixtures").glob("*/exchange.json")) if Path("fixtures").exists() else [])
        await driver.until(lambda: "exported to" in driver.text())

    run(story, db=database)


def test_the_repaired_stream_is_written(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def story(driver):
        await driver.settle()
        await driver.press("w", "enter")
        await driver.until(lambda: "deviation mended" in driver.text())

    run(story, NEWLINE)
    (written,) = tmp_path.glob("normalized-*.sse")
    assert written.read_bytes().endswith(b"data: [DONE]\n\n")


def test_the_request_is_copied_as_curl(run):
    async def story(driver):
        await driver.settle()
        await driver.press("y")
        assert driver.app.clipboard.startswith("curl -iN -X POST http://")
        assert "--data-raw" in driver.app.clipboard

    run(story, TOOLS)


def test_a_replay_serves_the_exchange_until_it_is_stopped(run):
    import httpx

    async def story(driver):
        await driver.settle()
        await driver.press("r")
        url = driver.app.clipboard
        exchange = driver.exchange.viewed.exchange
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{url}/chat/completions", content=exchange.request.body)
        assert answer.content == exchange.body
        await driver.press("r")
        assert not driver.app.actions.is_replaying

    run(story, TOOLS)


def test_leaving_goes_to_the_timeline_then_to_the_list(run, database):
    async def story(driver):
        await driver.settle()
        await driver.press("enter")
        await driver.settle()
        await driver.press("b", "q")
        assert driver.app.focused.id == "timeline"
        await driver.press("q")
        assert isinstance(driver.app.screen, ExchangesScreen)

    run(story, db=database)


def test_an_exchange_opened_by_its_name_is_left_to_the_list_and_the_list_for_good(run):
    async def story(driver):
        await driver.settle()
        await driver.press("q")
        await driver.until(lambda: isinstance(driver.app.screen, ExchangesScreen) and "glm4-newline" in driver.text())
        await driver.press("enter")
        await driver.settle()
        assert driver.exchange.exchange_id == 1
        await driver.press("q")
        await driver.until(lambda: isinstance(driver.app.screen, ExchangesScreen))
        assert len(driver.app.screen_stack) == 1
        await driver.press("q")
        assert driver.app.return_code == 0
        assert not driver.app.is_running

    run(story, NEWLINE)


@pytest.mark.parametrize(
    ("keys", "label"),
    [
        ("slash", "search"),
        ("colon", "go to event"),
        ("a", "note on event 0"),
        ("e", "export a fixture below the folder"),
        ("w", "write the mended stream to"),
    ],
)
def test_a_prompt_says_what_is_typed_and_keeps_the_screen(run, keys, label):
    async def story(driver):
        await driver.settle()
        before = driver.lines()
        await driver.press(keys)
        await driver.until(lambda: driver.lines()[-1].startswith(f" {label} "))
        assert driver.lines()[:-1] == before[:-1]
        await driver.type("12")
        await driver.until(lambda: driver.lines()[-1].rstrip() == f" {label}  12")
        await driver.press("escape")
        await driver.until(lambda: driver.lines() == before)

    run(story, NEWLINE)


def test_where_one_was_is_remembered(run, database):
    async def first(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.press("j", "j", "j", "q")

    async def second(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.until(lambda: driver.exchange.cursor == 3)

    run(first, db=database)
    run(second, db=database)


@pytest.mark.parametrize(
    ("key", "words"), [("t", "axis"), ("d", "invented"), ("b", "hex"), ("c", "holds"), ("f", "worst")]
)
def test_help_is_about_the_part_with_the_focus(run, key, words):
    async def story(driver):
        await driver.settle()
        await driver.press(key, "f1")
        assert isinstance(driver.app.screen, HelpScreen)
        assert words in driver.text()
        await driver.press("escape")
        assert isinstance(driver.app.screen, ExchangeScreen)

    run(story, TOOLS)


def test_hex_and_back(run):
    async def story(driver):
        await driver.settle()
        await driver.press("b", "x")
        assert "64 61 74 61" in driver.text()
        await driver.press("x")
        assert "64 61 74 61" not in driver.text()

    run(story, TOOLS)


def test_the_footer_never_has_more_than_eight_keys(run):
    from streamlab.tui.widgets.key_bar import MOST, KeyBar

    async def story(driver):
        await driver.settle()
        seen = set()
        for key in "tdbcf":
            await driver.press(key)
            keys = driver.exchange.query_one(KeyBar)._keys
            assert len(keys) <= MOST == 8
            seen.add(keys)
        assert len(seen) == 5

    run(story, TOOLS, size=(200, 50))


def test_resizing_loses_nothing(run):
    async def story(driver):
        await driver.settle()
        await driver.press("n", "j", "j")
        await driver.settle()
        before = driver.text()
        for size in ((80, 24), (200, 50), (40, 12), (120, 40)):
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.pause()
            await driver.settle()
            assert driver.exchange.cursor == 3
        assert driver.text() == before

    run(story, TOOLS)


def test_the_place_in_the_stream_stands_in_the_title_at_any_size(run):
    async def story(driver):
        await driver.settle()
        await driver.press("j")
        for size in ((200, 50), (80, 24), (120, 40), (40, 12)):
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.pause()
            assert driver.lines()[0].rstrip().endswith("event 1 of 24")
            await driver.press("G")
            assert driver.lines()[0].rstrip().endswith("end of 24")
            await driver.press("g", "j")

    run(story, TOOLS)


def test_the_findings_and_the_ending_stand_above_at_any_size(run, tmp_path):
    target = tmp_path / ("a-name-that-leaves-no-room-for-anything-else-in-the-first-line" * 2)
    shutil.copytree(CAPTURES / "glm4-newline", target)

    async def story(driver):
        await driver.settle()
        for size in ((200, 50), (80, 24), (60, 24)):
            await driver.pilot.resize_terminal(*size)
            await driver.settle()
            title, facts = driver.lines()[:2]
            assert "E 7 findings" in title
            assert facts.rstrip().endswith("complete")
            assert "8 events" in facts
            assert "…" not in facts

    run(story, target)


def test_of_a_foreign_stream_it_shows_what_the_translation_comes_to(run):
    async def story(driver):
        await driver.settle()
        await driver.press("G", "k", "c")
        await driver.settle()
        whole = driver.text()
        assert "no OpenAI client reads gemini.generateContent" in whole
        await driver.press("t", "g")
        await driver.settle()
        held = re.findall(r"content · (\d+) characters", whole + driver.text())
        assert int(held[0]) > int(held[1]) > 0

    run(story, CAPTURES / "oneapi-gemini-no-finish-upstream", size=(200, 50))


def test_of_a_stream_that_nothing_translates_it_says_so(run, tmp_path):
    path = tmp_path / "cohere.db"
    with CaptureDB(path, write=True) as database:
        body = b'event: content-delta\ndata: {"type":"content-delta","index":0,"delta":{"message":{}}}\n\n' * 3
        exchange = streams.exchange(body)
        request = replace(exchange.request, url="http://127.0.0.1/v2/chat")
        database.add(replace(exchange, request=request))

    async def story(driver):
        await driver.settle()
        await driver.until(lambda: "nothing here translates it" in driver.text())

    run(story, f"{path}#1", size=(200, 50))


def test_keys_pressed_in_a_hurry_all_count(run, database):
    async def story(driver):
        driver.app.open_exchange(5)
        await driver.pilot.pause()
        await driver.settle()
        await driver.press("c")
        assert driver.exchange.focused is driver.exchange.query_one("#client")
        for _ in range(2):  # to the timeline, to the list
            driver.app.post_message(Key("q", "q"))
        await driver.until(lambda: isinstance(driver.app.screen, ExchangesScreen))

    run(story, db=database)
