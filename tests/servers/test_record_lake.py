"""`record --lake`, live: what is finished moves into the lake, and kill -9 of whom ever loses and doubles nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.exchange import Ending, Exchange
from streamlab.storage.targets import find
from tests.servers.harness import END, HEAD, HOLD, Proxy, Seen, Upstream, event, eventually, fetch, get, recording, run

pytest.importorskip("pyarrow")

_OWN_GROUP = (sys.executable, "-c", "import os,sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])")
_SCRIPTS = {f"/v1/{number}": [HEAD, event(str(number)), END] for number in range(60)}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream({**_SCRIPTS, "/v1/open": [HEAD, event("open"), HOLD]}) as running:
        yield running


def _asked(proxy: Proxy, numbers: range) -> None:
    for number in numbers:
        assert event(str(number)).split(b"\r\n")[1] in run(fetch(proxy.port, get(f"/v1/{number}"))).raw


def _files(lake: Path) -> list[Path]:
    return sorted(lake.glob("exchanges/**/*.parquet"))


def _all(lake: Path, db: Path) -> list[Exchange]:
    return [target.read() for place in (f"lake:{lake}", str(db)) for target in find(place)]


def _family(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in map(int, listed) for one in (child, *_family(child))]


def _rolling(proxy: Proxy) -> list[int]:
    """What moves exchanges, first what waits for the next time."""
    found = []
    for pid in _family(proxy.process.pid):
        with contextlib.suppress(OSError):
            if b"workflows.rolling" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.mark.parametrize("killed", ["all at once", "the recorder", "what moves them"])
def test_kill_9_in_the_middle_loses_and_doubles_nothing(upstream: Upstream, tmp_path: Path, killed: str) -> None:
    lake = tmp_path / "lake"
    words = ("--upstream", upstream.url, "--lake", str(lake), "--every", "1s")
    with recording(tmp_path, *words, prefix=_OWN_GROUP) as proxy:
        _asked(proxy, range(20))
        eventually(lambda: _files(lake))

        opened = threading.Event()

        def has_begun(seen: Seen) -> bool:
            if b"open" in seen.raw:
                opened.set()
            return False  # on to the end

        stream = threading.Thread(target=lambda: run(fetch(proxy.port, get("/v1/open"), until=has_begun)))
        stream.start()
        assert opened.wait(60)
        _asked(proxy, range(20, 40))
        if killed == "all at once":
            os.killpg(proxy.process.pid, signal.SIGKILL)
        elif killed == "the recorder":
            proxy.kill()
        else:
            for pid in _rolling(proxy):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if killed == "what moves them":
            assert proxy.stop() == 0
            assert "was killed" in proxy.stderr
        proxy.process.wait(300)
        stream.join()
    with recording(tmp_path, *words) as proxy:
        _asked(proxy, range(40, 60))
        assert proxy.stop() == 0, proxy.stderr
    there = _all(lake, proxy.db)
    counted = Counter(one.request.url.rpartition("/")[2] for one in there if one.request is not None)
    assert counted == Counter([*map(str, range(60)), "open"])
    assert {one.ending for one in there if one.request and one.request.url.endswith("open")} <= {
        Ending.INTERRUPTED,
        Ending.CLIENT_LEFT,
    }
    assert [target.source for target in find(str(proxy.db))] == []
