"""How large a database is over the bodies in it: streams of fifty events and more, recorded as a paced recorder does.

``python -m benchmarks.size_bench [--quick] [FOLDER...]``; without folders, what others recorded (../shared/corpus),
else what this repository holds. Twenty streams at a time, an event a read at times like those of a server, a batch each
ten events; then the recorder ends in order. Everything is read again and compared.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TypeVar

from benchmarks.relay_bench import Row, finish
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.frames import Frame, Kind, Reads
from streamlab.storage.recorder import Recorder

_T = TypeVar("_T")

_ROOT = Path(__file__).resolve().parent.parent
_LEAST_EVENTS, _LIMIT = 50, 0.2
_LEAST_STREAMS = 200
_AT_A_TIME, _EVENTS_A_BATCH = 20, 10
_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _parts(found: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(found)
    while part := list(islice(rest, size)):
        yield part


class _Silent:
    """Watches nothing."""

    def changed(self, draft: object) -> None: ...
    def warn(self, message: str) -> None: ...
    def tick(self) -> bool:
        return False

    def close(self) -> None: ...


def _bodies(folders: list[Path]) -> Iterator[list[bytes]]:
    """The events of each body that has enough of them."""
    for path in chain.from_iterable(sorted(folder.rglob("body.sse")) for folder in folders):
        body = path.read_bytes()
        end = b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n"
        events = [event + end for event in body.split(end) if event]
        if len(events) >= _LEAST_EVENTS:
            yield events


def _request(events: list[bytes]) -> bytes:
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": f"Say {len(events)} words."}]}
    data = json.dumps(body).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def _record(recorder: Recorder, streams: list[tuple[int, list[bytes]]], rng: random.Random) -> None:
    """Some streams at once, from the first request to the last end."""
    now = {number: 10**9 for number, _ in streams}
    for number, events in streams:
        head, _, body = _request(events).partition(b"\r\n\r\n")
        begin = now[number]
        recorder.take([Frame(Kind.OPENED, number, begin, b"\nhttp://127.0.0.1:1")])
        recorder.take([Frame(Kind.REQUEST, number, begin, head + b"\r\n\r\n")])
        recorder.take([Frame(Kind.REQUEST_BODY, number, begin, body), Reads(number, [begin + 3 * 10**8], [_HEAD])])
    parts = [_parts(events, _EVENTS_A_BATCH) for _, events in streams]
    for turn in zip_longest(*parts):
        for (number, _), events in zip(streams, turn, strict=True):
            for event in events or ():
                now[number] += int(rng.lognormvariate(16.8, 0.5))
                recorder.take([Reads(number, [now[number]], [b"%x\r\n%b\r\n" % (len(event), event)])])
        recorder.write(at_once=True)
    for number, _ in streams:
        recorder.take([Reads(number, [now[number]], [b"0\r\n\r\n"]), Frame(Kind.CLOSED, number, now[number], b"")])
    recorder.write(at_once=True)
    while recorder.packs:
        recorder.pack()


def _measure(bodies: list[list[bytes]]) -> Row:
    raw = sum(len(event) for events in bodies for event in events)
    count = sum(map(len, bodies))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        recorder = Recorder(path, None, _Silent(), "0123abcd")
        if not recorder.start():
            raise RuntimeError("the database cannot be opened")
        rng = random.Random(1)
        for streams in _parts(enumerate(bodies), _AT_A_TIME):
            _record(recorder, streams, rng)
        recorder.close()
        size = path.stat().st_size
        with CaptureDB(path) as database:
            found = sorted(database.get(number).body for number in database.ids())
    if found != sorted(b"".join(events) for events in bodies):
        raise RuntimeError("what was read is not what was recorded")
    told = f"{len(bodies)} streams, {count} events of {raw / count:.0f} bytes: {size:,} over {raw:,}"
    ratio = size / raw
    return Row("database over the bodies in it", ratio, ratio, ratio, f"at most {_LIMIT}", ratio <= _LIMIT, told)


def run(*, quick: bool = False, folders: list[Path] | None = None) -> list[Row]:
    """One row: the file over the bodies in it."""
    recorded = _ROOT.parent / "shared" / "corpus" / "recorded"
    own = [_ROOT / name for name in ("captures", "corpus", "fixtures")]
    bodies = list(_bodies(folders or ([recorded] if recorded.is_dir() else own)))
    if not bodies:
        raise RuntimeError("no stream has so many events")
    bodies *= -(-_LEAST_STREAMS // len(bodies))  # an empty database alone is larger than a stream
    return [_measure(bodies[::10] if quick else bodies)]


def main() -> None:
    """Print the row; exit 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the streams")
    parser.add_argument("folders", nargs="*", type=Path)
    options = parser.parse_args()
    finish(run(quick=options.quick, folders=options.folders))


if __name__ == "__main__":
    main()
