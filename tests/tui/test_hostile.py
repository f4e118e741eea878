"""Nothing of a capture reaches the terminal raw, whatever it holds; and nothing of it raises."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamlab.comparing.event_diff import diff_exchange, explained
from streamlab.comparing.members import members_of
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.storage.capture_db import CaptureDB
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.wire.sse import SSEDecoder
from tests import streams
from tests.examples import RANDOM, examples

#: What must never be on the screen: controls, escapes, bidi, zero width, separators, surrogates.
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
EVIL = "\x1b]0;owned\x07\x1b[2J[red]x[/red] \u202egnp.exe \u200b\u2066\ud83d \x9b31m {rm} $(reboot) \\[bold]"

hostile = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        "\x1b[2J",
        "[bold red]x[/]",
        "\u202eabc",
        "a\r\nb",
        "\x00",
        "\ufeff",
        "\x9b0m",
        "￿",
        "[@click=app.leave]x[/]",
        "e\u0301",
    ]
)
payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=8,
)


def _chunk(text, extra):
    chunk = streams.chunk({"role": text, "content": text, "tool_calls": [streams.call(0, text, text, text)]}, text)
    return {**chunk, "id": text, "model": text, "extra": extra}


bodies = st.lists(
    st.binary(max_size=60)
    | st.builds(lambda text, extra: streams.frame(_chunk(text, extra)), hostile, payloads)
    | st.builds(lambda value: streams.frame(value), payloads)
    | st.builds(lambda text: f"{text}: {text}\n\n".encode("utf-8", "surrogatepass"), hostile),
    max_size=6,
)


@settings(max_examples=10 if RANDOM else 3, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile_exchanges=st.lists(st.tuples(bodies, hostile), min_size=4, max_size=4))
def test_the_screen_never_holds_a_control_character(run, tmp_path_factory, hostile_exchanges):
    path = tmp_path_factory.mktemp("hostile") / "some.db"
    with CaptureDB(path, write=True) as database:
        for pieces, text in hostile_exchanges:
            database.add(_exchange(pieces, text))

    async def story(driver):
        await driver.settle()
        _assert_clean(driver)
        await driver.press("enter")
        for _ in hostile_exchanges:
            await driver.settle()
            _assert_clean(driver)
            await driver.press("n", "x", "G")
            await driver.settle()
            assert isinstance(driver.app.screen, ExchangeScreen)
            _assert_clean(driver)
            await driver.press("right_curly_bracket")

    run(story, db=path, size=(200, 50))


def _exchange(pieces, text):
    visible = text.encode("utf-8", "replace").decode()
    request = Request("POST", f"http://x/{visible}", (("x-evil", visible),), json.dumps({"model": text}).encode())
    head = ResponseHead(200, (("content-type", "text/event-stream"), ("x-evil", visible)), 1_000, reason=visible)
    segments = tuple(Segment(1_000 * at, piece) for at, piece in enumerate(pieces, 1) if piece)
    return Exchange(
        request=request,
        head=head,
        segments=segments,
        ending=Ending.UPSTREAM_CUT,
        end_us=1_000_000,
        label=visible,
        tap=visible,
        notes={"ending_reason": visible},
    )


def _assert_clean(driver):
    for line in driver.lines():
        found = FORBIDDEN.search(line)
        assert found is None, (found, line)


def test_marks_filters_and_messages_are_hostile_too(run, database):
    async def story(driver):
        await driver.settle()
        driver.app.actions.set_mark(15, -1, EVIL.encode("utf-8", "replace").decode())
        driver.app.tell(EVIL)
        driver.app.screen._apply(EVIL.replace("\ud83d", ""))
        await driver.until(lambda: not driver.app.watcher.ids)
        _assert_clean(driver)
        await driver.press("escape")
        await driver.until(lambda: driver.app.watcher.ids)
        await driver.press("enter")
        await driver.settle()
        _assert_clean(driver)

    run(story, db=database)


@settings(max_examples=examples(100), deadline=None)
@given(pieces=bodies, text=hostile)
def test_comparing_with_openai_never_raises_and_never_loses_a_member(pieces, text):
    exchange = _exchange(pieces, text)
    for diff in diff_exchange(exchange):
        explained(diff, ())
    decoder = SSEDecoder()
    for event in (*decoder.feed(exchange.body), *decoder.finish()):
        members_of(event)


def test_a_rogue_segment_does_not_stop_the_rest(run, database):
    with CaptureDB(database, write=True) as db:
        number = db.add(replace(_exchange([b"\xff\xfe\x00" * 9000, b"data: {}\n\n"], "x"), label="rogue"))

    async def story(driver):
        driver.app.open_exchange(number)
        await driver.pilot.pause()
        await driver.settle()
        assert "\\xff" in driver.text()
        _assert_clean(driver)

    run(story, db=database, size=(200, 50))
