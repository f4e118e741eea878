"""Asks clients about streams as they came and repaired, and says where a client is better or worse off.

    python tools/clients/repaired.py corpus/scenarios ../shared/reports ../shared/corpus/protocols/{anthropic,responses}

Writes repaired.json, from which docs/clients.md has its table, and says each cell that is worse after repair.

``--stale`` asks nobody and names the cases whose repaired bytes are others than when repaired.json was written.

Each client is one process that reads every stream in turn; what it held of a body is noted in ``.repaired.jsonl`` and
not asked for again: a run goes on where it was broken off, and only what a changed repair changed is asked anew.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repaired_cases import CAME, SAFE, UNSAFE, Case, cases
from repaired_judge import WORSE, judged, verdict

from streamlab.clients.setups import ClientSetup
from streamlab.comparing.held import HeldAnswer
from streamlab.errors import StreamlabError
from streamlab.workflows.clients.environments import Environments, default_folder
from streamlab.workflows.clients.running import ask, named_setups, playable
from streamlab.workflows.clients.worker import Worker
from streamlab.workflows.replay import BackgroundReplay

HERE = Path(__file__).parent
NOTED = HERE / ".repaired.jsonl"
TARGET = HERE / "repaired.json"
_ABOUT = (
    "What clients made of streams as they came -> repaired, without and with --unsafe where that gives other bytes. "
    'Clients that are not listed for a case held the whole answer both times. "right": what the same client holds of '
    "the lawful stream, or where a stream stays broken an error; wrong:LETTERS and errors as in "
    "streamlab/comparing/held.py; silent: broken, and no error."
)
LIMIT_S = 6.0


class Answers:
    """What each client held of each body, kept in a file to which every answer is added as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.versions: dict[str, str] = {}
        self._held: dict[tuple[str, str], HeldAnswer] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            if line.endswith("}"):  # the last may be torn
                self._take(*json.loads(line).values())

    def _take(self, client: str, version: str, key: str, held: HeldAnswer) -> None:
        if self.versions.get(client, version) != version:  # what another version said is void
            self._held = {known: one for known, one in self._held.items() if known[0] != client}
        self.versions[client] = version
        self._held[client, key] = held

    def add(self, client: str, version: str, key: str, held: HeldAnswer) -> None:
        """One more."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"client": client, "version": version, "key": key, "held": held}) + "\n")
        self._take(client, version, key, held)

    def of(self, client: str, key: str) -> HeldAnswer | None:
        """What a client held of a body; None where it was not asked."""
        return self._held.get((client, key))


def speaks(setup: ClientSetup, case: Case) -> bool:
    """Whether a client can be asked about a case."""
    return case.api in setup.apis and (setup.calls or not case.tools)


async def ask_all(
    asked: Sequence[Case], clients: Sequence[ClientSetup], environments: Environments, answers: Answers, at_once: int
) -> None:
    """Every client about every body that it has not been asked about."""
    turn = asyncio.Semaphore(at_once)

    async def one(setup: ClientSetup) -> None:
        async with turn:
            try:
                await _ask(setup, [case for case in asked if speaks(setup, case)], environments, answers)
            except StreamlabError as error:
                print(f"{setup.id} left out: {error}", file=sys.stderr)

    await asyncio.gather(*map(one, clients))


async def _ask(setup: ClientSetup, asked: Sequence[Case], environments: Environments, answers: Answers) -> None:
    driver = await asyncio.to_thread(environments.driver, setup)
    with (environments.folder / "drivers.log").open("ab") as log:
        async with Worker(driver, log, limit_s=LIMIT_S) as worker:
            version = await worker.start()
            for case in asked:
                for body in case.bodies():
                    key = body.key(case.api, case.tools)
                    if answers.of(setup.id, key) is None or answers.versions[setup.id] != version:
                        strict = case.tools if setup.parses else ()
                        held, _ = await ask(worker, body.exchange, case.api, case.tools, strict=strict)
                        if held.get("hung"):  # was it what a client loads at its first request?
                            await _warmed(worker, asked, case.api)
                            held, _ = await ask(worker, body.exchange, case.api, case.tools, strict=strict)
                        answers.add(setup.id, version, key, held)
    print(setup.id, "done", file=sys.stderr, flush=True)


async def _warmed(worker: Worker, asked: Sequence[Case], api: str) -> None:
    """Ask about a lawful stream, however long it takes."""
    body = next((case.lawful for case in asked if case.api == api and case.lawful is not None), None)
    if body is not None:
        with BackgroundReplay([playable(body.exchange)], speed=0.0) as replay:
            await worker.ask(f"{replay.url}/@it/v1", api, (), more_s=60.0)


def document(asked: Sequence[Case], clients: Sequence[ClientSetup], answers: Answers) -> dict[str, Any]:
    """The results, as repaired.json keeps them."""
    told = [(case, variant) for case in asked for variant in (SAFE, UNSAFE) if variant in case.served]
    counts: dict[str, dict[str, Counter[str]]] = {}
    kept = []
    for case, variant in told:
        outcomes: dict[str, list[str]] = {}
        worse = []
        for setup in clients:
            held = _held(setup, case, answers)
            if not speaks(setup, case) or (found := judged(setup, case, variant, held)) is None:
                continue
            came, after = found
            count = counts.setdefault(setup.id, {}).setdefault(f"{case.api} {variant}", Counter())
            how = verdict(came, after)
            count.update(["cells", how])
            count.update({"right before": came.rank == 4, "right after": after.rank == 4})
            worse += [setup.id] * (how == WORSE)
            if (came.rank, after.rank) != (4, 4):
                outcomes.setdefault(f"{_short(came.told)} -> {_short(after.told)}", []).append(setup.id)
        named = {"case": case.name, "api": case.api, "repaired": variant, "changed": _changed(case, variant)}
        named["body"] = _body(case, variant)
        left = {"left": list(case.served[variant].left)} if case.served[variant].left else {}
        kept.append({**named, **left, "outcomes": outcomes, **({"worse": worse} if worse else {})})
    versions = {one.id: {"version": answers.versions[one.id], **counts[one.id]} for one in clients if one.id in counts}
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"about": _ABOUT, "measured": today, "cases": len(asked), "clients": versions, "streams": kept}


def _held(setup: ClientSetup, case: Case, answers: Answers) -> dict[str, HeldAnswer]:
    bodies = dict(case.served) | ({"lawful": case.lawful} if case.lawful is not None else {})
    found = {name: answers.of(setup.id, body.key(case.api, case.tools)) for name, body in bodies.items()}
    if case.kin is not None:
        found["kin"] = answers.of(setup.id, case.kin.served[CAME].key(case.api, case.tools))
    return {name: held for name, held in found.items() if held is not None}


def _changed(case: Case, variant: str) -> bool:
    return case.served[variant].exchange.body != case.served[CAME].exchange.body


def _body(case: Case, variant: str) -> str:
    """Names what was served, so that it shows when repair makes something else of it."""
    return case.served[variant].key(case.api, case.tools)[:12]


def stale(asked: Sequence[Case], path: Path) -> list[str]:
    """The cases whose bytes, as they came or repaired, were not asked about when ``path`` was written."""
    told = json.loads(path.read_text(encoding="utf-8"))["streams"]
    known = {(one["case"], one["repaired"]): one.get("body") for one in told}
    today = {(case.name, how): _body(case, how) for case in asked for how in (SAFE, UNSAFE) if how in case.served}
    names = {name for name in known.keys() | today.keys() if known.get(name) != today.get(name)}
    return [f"{case}, {how}" for case, how in sorted(names)]


def _short(told: str) -> str:
    """Without the words of a message."""
    return told.partition(":")[0] if told.startswith("error") else told


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--environments", type=Path, default=default_folder())
    parser.add_argument("--client", action="append", default=[])
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--stale", action="store_true", help="say what would have to be asked again")
    parser.add_argument("--to", type=Path, default=TARGET, help="where results are written")
    return parser.parse_args()


def main() -> None:
    """Ask."""
    told = arguments()
    environments = Environments(told.environments, lambda line: print(line, file=sys.stderr))
    asked = cases(told.folders)
    print(f"{len(asked)} cases", file=sys.stderr)
    if told.stale:
        print("\n".join(stale(asked, told.to)))
        return
    answers = Answers(NOTED)
    clients = named_setups(told.client or ["all"], environments)
    asyncio.run(ask_all(asked, clients, environments, answers, told.at_once))
    found = document(asked, clients, answers)
    told.to.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for one in found["streams"]:
        for client in one.get("worse", ()):
            print(f"worse: {client} on {one['case']}, {one['repaired']}")


if __name__ == "__main__":
    main()
