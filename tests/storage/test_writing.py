"""The writer's turns: what one of them changed is drawn and said, also where nothing more comes."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from streamlab.storage import writing


def test_a_turn_that_is_not_drawn_is_followed_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what was found wrong with the last exchange would wait for the next one, forever where there is none."""
    waits: list[float | None] = []
    nothing = SimpleNamespace(found=[], last_ns=0)
    spool = SimpleNamespace(
        wait=waits.append, frames=lambda *_: nothing, position=0, behind=0, empty=True, damaged=False, ending=False,
        release=lambda _: None, count=lambda *_: None,
    )  # fmt: skip
    recorder = SimpleNamespace(
        waiting=False, full=False, goodbye=False, committed=0, counts=(), write=lambda: None,
        take=lambda *_: None, taken_to=lambda _: None, packs=False, pack=lambda: None, pause=0.0,
    )  # fmt: skip
    ticks: list[int] = []
    observer = SimpleNamespace(tick=lambda: bool(ticks.append(1)))
    told = writing.Writing(spool, recorder, observer, on_start=lambda: None, about={})  # type: ignore[arg-type]
    told.begin()
    monkeypatch.setattr(writing, "_TICK_SECONDS", 1e9)
    told._drawn = time.monotonic()
    told._turn(1, polite=False)
    assert ticks == []
    told._drawn = -2e9
    told._turn(1, polite=False)
    told._turn(1, polite=False)
    assert waits == [None, 1e9, None], "it waits for a tick once, then for whatever comes"
    assert ticks == [1]
