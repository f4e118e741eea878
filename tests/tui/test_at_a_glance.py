"""What one sees without pressing much: axes, shares, marks, and what is not claimed before it is known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from streamlab.comparing.event_outcomes import FieldDiff, How
from streamlab.exchange import Segment
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.drawing.axis import Axis
from streamlab.tui.drawing.exchange_list import heading
from streamlab.tui.drawing.layout import shared
from streamlab.tui.palette import BROKEN, kind_style, mark_broken
from streamlab.tui.widgets.diff_pane import DiffPane, json_value
from streamlab.tui.widgets.timeline import Timeline
from tests import streams
from tests.tui.driving import CAPTURES

TOOLS = CAPTURES / "glm4-tool-ids"


def test_a_long_stream_is_a_shape_and_zoom_changes_it(run, tmp_path):
    path = tmp_path / "long.db"
    pieces = [streams.frame(streams.chunk({"content": f"w{at} "})) for at in range(2_000)]
    segments = tuple(Segment(5_000_000 + 20_000 * at, piece) for at, piece in enumerate(pieces))
    exchange = streams.exchange(b"")
    fields = {name: getattr(exchange, name) for name in exchange.__slots__}
    with CaptureDB(path, write=True) as database:
        database.add(type(exchange)(**{**fields, "segments": segments, "end_us": segments[-1].offset_us}))

    async def story(driver):
        await driver.settle()
        await driver.press(*"jjj", "pagedown", "pagedown")

        def columns():
            return {line.index("●") for line in driver.lines() if "●" in line and " text " in line}

        assert len(columns()) > 5, "each arrival has a place of its own"
        await driver.press("0")
        assert len(columns()) <= 2, "the whole stream"
        await driver.press("0", "plus")
        assert 0 < len(columns()) < 20
        await driver.press("0", "g")
        await driver.press("0", "0")
        assert "┄" in driver.text(), "the wait from the request on"
        await driver.press("z")
        assert "┄" not in driver.text()

    run(story, f"{path}#1", size=(200, 50))


def test_what_nearly_every_event_breaks_stands_in_the_frame(run):
    async def story(driver):
        await driver.settle()
        timeline = driver.exchange.query_one(Timeline)
        assert "tool-call-id-unstable" in str(timeline.border_subtitle)
        rows = [line for line in driver.lines() if re.match(r"│. +\d+ ", line)]
        assert len(rows) == 24
        assert not any(row.startswith("│E") for row in rows)
        assert timeline.findings[5].rule == "tool-call-id-unstable", "it is still what the event is about"

    run(story, TOOLS, size=(200, 50))


def test_n_right_after_opening_waits_for_the_findings(run):
    async def story(driver):
        await driver.press("n")
        await driver.until(lambda: driver.exchange.finding is not None)
        assert driver.exchange.finding.rule == "tool-call-id-unstable"
        await driver.until(lambda: driver.exchange.cursor == 1)

    run(story, TOOLS)


def test_search_goes_round_the_end_and_points(run):
    async def story(driver):
        await driver.settle()
        await driver.press("G", "slash")
        await driver.type("role")
        await driver.press("enter")
        await driver.until(lambda: driver.exchange.cursor < 3)
        await driver.until(lambda: "went on round the end" in driver.text())
        shown = driver.exchange.query_one("#bytes").lines(200)
        pointed = "".join(
            line.plain[span.start : span.end]
            for line in shown
            for span in line.spans
            if getattr(span.style, "reverse", False)
        )
        assert "role" in pointed

    run(story, TOOLS)


def test_one_click_on_a_finding_goes_there(run):
    async def story(driver):
        await driver.settle()
        await driver.pilot.click("#findings", offset=(6, 2))
        await driver.until(lambda: driver.exchange.cursor == 7)

    run(story, CAPTURES / "glm4-newline")


def test_the_member_of_the_finding_is_marked_and_first(run):
    async def story(driver):
        await driver.settle()
        await driver.press("n")
        await driver.settle()
        fields = [
            line.plain for line in driver.exchange.query_one("#diff").lines(90) if re.match("[▸ ][~+!-] ", line.plain)
        ]
        assert fields[0].startswith("▸")
        assert "tool_calls[0].id" in fields[0]
        assert not fields[-1].startswith("▸")

    run(story, TOOLS)


def test_a_chosen_client_shows_what_it_was_measured_to_do_and_holds_what_reached_it(run):
    async def story(driver):
        await driver.settle()
        await driver.press("h")
        await driver.type("py-openai-raw")
        await driver.press("enter", "G", "k")
        await driver.settle()
        lines = "\n".join(line.plain for line in driver.exchange.query_one("#client").lines(90))
        assert "event 7  raises JSONDecodeError" in lines
        assert "after event 6" in str(driver.exchange.query_one("#client").border_title)
        await driver.press("h", "backspace", "enter")
        await driver.settle()
        assert "raises" not in "\n".join(line.plain for line in driver.exchange.query_one("#client").lines(90))

    run(story, CAPTURES / "glm4-newline", size=(200, 50))


def test_a_client_is_chosen_that_was_measured_in_the_api_of_the_exchange(run):
    async def chosen(driver, query):
        await driver.press("h", "ctrl+u")
        await driver.type(query)
        await driver.press("enter")
        await driver.settle()
        return "\n".join(line.plain for line in driver.exchange.query_one("#client").lines(90))

    async def story(driver):
        await driver.settle()
        await driver.press("G")
        assert (await chosen(driver, "langchain")).startswith("LangChain, Anthropic")
        assert "event 3" in await chosen(driver, "claude-code")
        held = await chosen(driver, "py-openai-raw")
        assert "was measured in another API, not in anthropic.messages" in held
        assert "minds nothing" not in held

    run(story, CAPTURES / "messages-gateway-thinking-in-text", size=(200, 50))


def test_an_answer_that_came_whole_shows_message_and_usage(run, tmp_path):
    body = (
        b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":'
        b'"assistant","content":"hello whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,'
        b'"completion_tokens":2,"total_tokens":3}}'
    )
    path = tmp_path / "whole.db"
    with CaptureDB(path, write=True) as database:
        database.add(streams.exchange(body, headers=(("content-type", "application/json"),)))

    async def story(driver):
        await driver.settle()
        text = "\n".join(line.plain for line in driver.exchange.query_one("#client").lines(90))
        assert "hello whole" in text
        assert '"total_tokens": 3' in text
        assert "a whole answer" in str(driver.exchange.query_one("#client").border_title)

    run(story, f"{path}#1", size=(200, 50))


def test_the_palette_names_the_keys_and_f1_those_of_the_part(run):
    async def story(driver):
        await driver.settle()
        await driver.press("ctrl+p")
        await driver.until(lambda: re.search(r"finding: next +n\b", driver.text()))
        await driver.press("escape", "b", "f1")
        assert re.search(r"\bx +hex", driver.text())

    run(story, TOOLS)


def test_values_are_json():
    assert json_value(FieldDiff("a", How.CHANGED), 42) == "42"
    assert json_value(FieldDiff("a", How.CHANGED), "42") == '"42"'
    assert json_value(FieldDiff("a", How.CHANGED), None) == "null"
    assert json_value(FieldDiff("sse.line end", How.CHANGED), "CRLF") == "CRLF"


@given(lines=st.integers(15, 60), needs=st.lists(st.integers(0, 90), min_size=3, max_size=3))
def test_parts_share_all_lines_and_none_gets_more_than_it_needs_while_another_lacks(lines, needs):
    given_lines = shared(lines, needs)
    assert sum(given_lines) == lines
    assert min(given_lines) >= 5
    if any(have < need for have, need in zip(given_lines, needs, strict=True)):
        assert all(have <= max(need, 5) + 2 for have, need in zip(given_lines, needs, strict=True))


@pytest.mark.parametrize(
    ("size", "ends"),
    [((80, 24), ("message_start", "block_start")), ((200, 50), ("content_block_start", "content_block_delta"))],
)
def test_events_whose_names_begin_alike_are_told_apart(run, size, ends):
    async def story(driver):
        await driver.settle()
        assert all(end in driver.text() for end in ends)

    run(story, CAPTURES / "anthropic-thinking", size=size)


def test_a_label_can_be_read_in_a_usual_terminal_with_a_scroll_bar():
    for width in (78, 80):
        said = heading(width).plain
        assert said.index("status") - said.index("label") > 22
        assert "ending" in said
        assert "finding" in said
    for width in (110, 118, 140, 160, 200):  # other columns do not come at its cost
        assert re.search(r"label {29,}", heading(width).plain)


def test_the_end_of_the_axis_is_never_cut_in_its_unit_and_nothing_is_measured_of_a_stream_without_times():
    axis = Axis()
    assert axis.heading(8) == "├──────┤"
    for end_us, said in ((4_260, "├4.26 ms"), (89_000, " ├89 ms┤"), (100_000_000, "├100.0 s")):
        axis.show(None, end_us)
        assert axis.heading(8) == said
    assert axis.heading(14) == "├0────100.0 s┤"


def test_a_tool_has_not_the_colour_of_an_error_and_what_stands_for_lost_bytes_is_marked():
    errors = {kind_style(kind).color for kind in ("error", "not json")}
    assert kind_style("role+tool").color == kind_style("tool").color not in errors | {None}
    marked = mark_broken(Text("a\ufffdb\ufffd"))
    assert [(one.start, one.end, one.style) for one in marked.spans] == [(1, 2, BROKEN), (3, 4, BROKEN)]


def test_while_it_compares_nothing_is_claimed_of_an_event(monkeypatch):
    monkeypatch.setattr(DiffPane, "update_lines", lambda _pane, **_options: None)  # it is on no screen
    monkeypatch.setattr(DiffPane, "wrapped", lambda _pane, text, _width: [text])
    same = FieldDiff("id", How.SAME, "x", "x")
    pane = DiffPane()
    pane.show((), (same,), (), "comparing …")
    assert "".join(line.plain for line in pane.lines(80)).strip() == "comparing …"
    pane.show((), (same,), (), "")
    assert "passes as it came" in "".join(line.plain for line in pane.lines(80))
