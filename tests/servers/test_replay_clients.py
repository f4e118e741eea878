"""openai-python cannot tell the replay server from the server that was recorded, whatever goes wrong on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from streamlab.standins import standin_in_thread
from streamlab.standins.faulty import FAULTS
from streamlab.workflows import replay as replaying
from streamlab.workflows.replay import BackgroundReplay
from tests.servers.harness import judged_patiently, openai_client, recording

_GIVES_UP_AFTER = 0.6


@dataclass(frozen=True)
class End:
    """What a program using the client would notice."""

    text: str
    finish_reason: str | None
    errors: tuple[str, ...]


def ask(base_url: str, model: str) -> End:
    """One streamed question, to the end or to the exception."""
    text, finish = "", None
    with openai_client(base_url, timeout=_GIVES_UP_AFTER) as client:
        try:
            with client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Why is the sea salty?"}], stream=True
            ) as stream:
                for chunk in stream:
                    for choice in chunk.choices or ():
                        text += choice.delta.content or ""
                        finish = choice.finish_reason or finish
        except Exception as error:
            chain: list[str] = []
            one: BaseException | None = error
            while one is not None:
                chain.append(type(one).__name__)
                one = one.__cause__
            return End(text, finish, (*chain, str(error)))
    return End(text, finish, ())


@dataclass(frozen=True)
class Sides:
    """How each fault ended against the stand-in itself, where it was recorded, and a way to record one anew."""

    direct: dict[str, End]
    db: Path
    again: Callable[[str], tuple[End, Path]]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    def record(*names: str) -> Path:
        with recording(tmp_path_factory.mktemp("faults"), "--upstream", standin.base_url) as proxy:
            for name in names:
                ask(f"http://127.0.0.1:{proxy.port}/v1", name)
            assert proxy.stop() == 0, proxy.stderr
            return proxy.db

    with standin_in_thread("faulty", gap_ms=1.0) as standin:
        direct = {name: ask(standin.base_url, name) for name in (*FAULTS, "none")}
        yield Sides(direct, record(*FAULTS, "none"), lambda name: (ask(standin.base_url, name), record(name)))


@pytest.fixture(scope="module")
def replay_of(sides: Sides) -> Iterator[Callable[[str], BackgroundReplay]]:
    """What was recorded, played back with these cuts; each way from the first time on that it is asked for."""
    with ExitStack() as stack:

        @cache
        def started(cut: str) -> BackgroundReplay:
            return stack.enter_context(BackgroundReplay(replaying.playables([str(sides.db)], segments=cut)))

        yield started


def _same(ends: tuple[End, End]) -> None:
    assert ends[1] == ends[0]


#: A burst of half a megabyte, byte by byte, takes long and shows nothing that the others do not.
_CUTS = [
    (cut, name)
    for cut in ("recorded", "byte", "event")
    for name in (*FAULTS, "none")
    if (cut, name) != ("byte", "burst")
]


@pytest.mark.parametrize(("cut", "name"), _CUTS)
def test_every_fault_ends_the_same_way_as_against_the_server_itself(
    sides: Sides, replay_of: Callable[[str], BackgroundReplay], cut: str, name: str
) -> None:
    """The client gives up after a time, so a busy machine may make an end of its own."""

    def again() -> tuple[End, End]:
        direct, db = sides.again(name)
        with BackgroundReplay(replaying.playables([str(db)], segments=cut)) as server:
            return direct, ask(server.base_url, name)

    replay = replay_of(cut)
    judged_patiently(_same, (sides.direct[name], ask(replay.base_url, name)), again)
    assert replay.misses == []


def test_the_faults_end_in_different_ways(sides: Sides) -> None:
    """Else the comparison above would prove nothing."""
    ends = set(sides.direct.values())
    assert len({end.errors for end in ends}) >= 8
    assert sides.direct["none"].errors == ()
    assert sides.direct["none"].finish_reason == "stop"


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"cut_after": "5e"}, "cut-between-chunks"),
        ({"reset_after": "5e"}, "reset-mid-stream"),
        ({"stall_after": "3e"}, "stall"),
        ({"cut_after": "0"}, "close-after-head"),
    ],
)
@pytest.mark.parametrize("segments", ["recorded", "byte"])
def test_a_fault_on_demand_is_the_fault_itself(
    sides: Sides, options: dict[str, str], fault: str, segments: str
) -> None:
    def measure(db: Path) -> End:
        loaded = replaying.playables([str(db)], segments=segments, **options)  # type: ignore[arg-type]
        with BackgroundReplay(loaded) as server:
            return ask(server.base_url, "none")

    def again() -> tuple[End, End]:
        return sides.again(fault)[0], measure(sides.again("none")[1])

    judged_patiently(_same, (sides.direct[fault], measure(sides.db)), again)
