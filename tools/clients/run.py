"""Runs installed clients on the streams of cases.toml and writes what each made of them to results/DATE.json.

python tools/clients/run.py                                   # every installed client, every stream
python tools/clients/run.py --client 'py-*' --stream 'tools.*'
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import fnmatch
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlab.exchange import Exchange, ResponseHead, Segment
from streamlab.playback.matching import Candidate
from streamlab.playback.script import Script, script
from streamlab.servers.replay import Playable
from streamlab.workflows.replay import BackgroundReplay, held

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from outcomes import outcome  # noqa: E402
from streams import Stream, all_streams  # noqa: E402
from workers import Worker, installed  # noqa: E402

ABOUT = (
    "What real clients did when each stream of cases.toml was served to them over a loopback socket. Outcomes not "
    'listed are "same": as with the perfect stream. wrong:LETTERS as in outcomes.py; error(library) was raised in the '
    "client, error(driver) in the user loop its documentation shows; [silent]: a broken stream accepted without a word."
)
_AGAIN = Exchange(
    head=ResponseHead(400, (("content-type", "application/json"),)),
    segments=(Segment(0, b'{"error":{"message":"already answered: the client asked again","type":"replay"}}'),),
)


@dataclass(frozen=True)
class Part:
    """Which clients are asked which streams, and where the record goes; ``python`` runs Python drivers elsewhere."""

    clients: list[dict[str, Any]]
    streams: list[Stream]
    log: Path
    python: str | None = None
    at_once: int = 2


class Once:
    """An exchange that is played to the first request; an agent that asks the model again gets an error."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange: Exchange | None = exchange

    @contextmanager
    def __call__(self) -> Iterator[Script]:
        exchange, self._exchange = self._exchange, None
        with held(script(exchange or _AGAIN)) as ready:
            yield ready


def playable(name: str, exchange: Exchange) -> Playable:
    """Served at ``/@NAME/v1``, once."""
    return Playable(Candidate((name,), None, None, None, False), name, Once(exchange))


async def ask_one(client: dict[str, Any], part: Part) -> tuple[str, dict[str, str | None]]:
    """One client's version, and its outcome on every stream."""
    found: dict[str, str | None] = {}
    perfect: dict[tuple[bytes, tuple[str, ...]], dict[str, Any]] = {}
    with part.log.open("ab") as log:
        async with Worker(client, log, part.python) as worker:
            for stream in part.streams:
                known = (stream.perfect.body, stream.tools)
                if known not in perfect:
                    perfect[known] = await _read(worker, client, stream, stream.perfect)
                result = await _read(worker, client, stream, stream.exchange)
                found[stream.name] = outcome(result, perfect[known], stream.broken)
            return worker.version, found


async def _read(worker: Worker, client: dict[str, Any], stream: Stream, exchange: Exchange) -> dict[str, Any]:
    with BackgroundReplay([playable("it", exchange)]) as replay:
        job = {"base_url": f"{replay.url}/@it/v1", "api": _API.get(stream.api, stream.api), "tools": stream.tools}
        return await worker.ask({"id": f"{client['id']} {stream.name}", **job})


_API = {"chat.completions": "chat"}


async def measure(part: Part) -> dict[str, Any]:
    """The whole record, as results/ keep it."""
    turn = asyncio.Semaphore(part.at_once)

    async def one(client: dict[str, Any]) -> tuple[str, dict[str, str | None]]:
        async with turn:
            done = await ask_one(client, part)
            print(f"{client['id']}: {done[0]}", file=sys.stderr)
            return done

    answers = await asyncio.gather(*map(one, part.clients))
    by_client = {client["id"]: answer for client, answer in zip(part.clients, answers, strict=True)}
    return {
        "about": ABOUT,
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "clients": {
            client["id"]: {"version": by_client[client["id"]][0], "what": client["what"]} for client in part.clients
        },
        "streams": {
            stream.name: _summary(stream, {client: found[stream.name] for client, (_, found) in by_client.items()})
            for stream in part.streams
        },
    }


def _summary(stream: Stream, found: dict[str, str | None]) -> dict[str, Any]:
    counts = Counter("n/a" if one is None else one.partition(":")[0].partition("(")[0] for one in found.values())
    outcomes = {client: one for client, one in sorted(found.items()) if one not in (None, "same")}
    return {"api": stream.api, "summary": dict(sorted(counts.items())), "outcomes": outcomes}


def selected(patterns: list[str], names: list[str]) -> set[str]:
    """The names that a pattern fits; all without patterns."""
    return {name for name in names if not patterns or any(fnmatch.fnmatch(name, one) for one in patterns)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", action="append", default=[], metavar="GLOB")
    parser.add_argument("--stream", action="append", default=[], metavar="GLOB")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="clients at once")
    parser.add_argument("-o", type=Path, metavar="FILE", help="instead of results/DATE.json")
    asked = parser.parse_args()
    clients = json.loads((HERE / "clients.json").read_text(encoding="utf-8"))
    wanted = selected(asked.client, [client["id"] for client in clients])
    ready = [client for client in clients if client["id"] in wanted and installed(client)]
    if not ready:
        print("none of these clients is installed: tools/clients/setup.sh", file=sys.stderr)
        return 3
    streams = {stream.name: stream for stream in all_streams()}
    chosen = [streams[name] for name in streams if name in selected(asked.stream, list(streams))]
    log = HERE / "environments" / "drivers.log"
    found = asyncio.run(measure(Part(ready, chosen, log, at_once=asked.j)))
    target = asked.o or HERE / "results" / f"{found['measured']}.json"
    target.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
