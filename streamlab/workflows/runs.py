"""Many runs of one question as two sides of a tally: the newest that were recorded, or asked now. Wiring only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from streamlab.comparing.conversations import Tie, Witness, conversation_of, witness
from streamlab.errors import UsageError
from streamlab.servers.posix import need_posix
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.location import existing_db
from streamlab.storage.targets import Target, find
from streamlab.wire.visible import visible
from streamlab.workflows.check import find_one
from streamlab.workflows.tally import TallyInput

#: Exchanges that are looked at for the two sides of so many runs: taps a run, and what lies between.
_TAPS, _BETWEEN = 4, 200
_TIMEOUT_S = 300.0


def recorded_runs(count: int, db: Path | None) -> tuple[TallyInput, TallyInput]:
    """The newest runs that two taps of a database saw: what came to the tap next to the model, and to the one next to
    the client. A run of which the inner tap saw nothing, or the outer one, counts on its side alone.

    Raises UsageError when no two taps saw a conversation, NotFoundError.
    """
    path = existing_db(db)
    with CaptureDB(path) as database:
        rows = database.overview()[-(_TAPS * count + _BETWEEN) :]
        taps = {row.id: row.tap for row in rows}
        seen = [found for row in rows if (found := witness(database.get(row.id))) is not None]
    ties = list(_conversations(seen))
    if not ties:
        raise UsageError(
            f"{path}: no two taps saw one conversation: record both sides of the gateway, streamlab record "
            "--tap model=LISTEN=URL --tap gateway=LISTEN=URL, or compare two folders"
        )
    inner, outer = ties[0][0].tap, ties[0][-1].tap
    newest = [number for number, tap in taps.items() if tap == outer][-count:]
    partners = {one[-1].id: one[0].id for one in ties if (one[0].tap, one[-1].tap) == (inner, outer)}
    mine = {partners[number] for number in newest if number in partners}
    tied_to_older = set(partners.values()) - mine
    mine |= {number for number, tap in taps.items() if tap == inner and number > newest[0]} - tied_to_older
    names = {partners[number]: f"#{number}" for number in newest if number in partners}
    return (
        _side(path, inner, [(number, names.get(number, f"#{number}")) for number in sorted(mine)]),
        _side(path, outer, [(number, f"#{number}") for number in newest]),
    )


def _conversations(seen: list[Witness]) -> Iterator[list[Tie]]:
    """What several taps saw, the newest first; each exchange in one of them."""
    taken: set[int] = set()
    for anchor in reversed(seen):
        if anchor.id in taken:
            continue
        others = [one for one in seen if one.tap != anchor.tap and one.id not in taken]
        found = conversation_of(anchor, others)
        if len(found) > 1:
            taken.update(one.id for one in found)
            yield found


def _side(path: Path, tap: str | None, exchanges: list[tuple[int, str]]) -> TallyInput:
    listed = [(Target(f"{path}#{number}", str(path), number), name) for number, name in exchanges]
    return TallyInput(visible(tap or "no tap", 40), listed)


@contextmanager
def asked_runs(
    urls: tuple[str, str], count: int, question: str, db: Path | None, advance: Callable[[], None]
) -> Iterator[tuple[TallyInput, TallyInput]]:
    """One recorded question asked so many times of two servers by turns, through the recorder; kept until the context
    ends. Raises UsageError, CouldNotRunError."""
    need_posix("asking two servers")
    from streamlab.workflows.regression.recording import LiveRecorder, ask_again, why_not_again

    with find_one(question, db).opened() as exchange:
        request = exchange.request
    if (why := why_not_again(request)) is not None or request is None:
        raise UsageError(f"{question} cannot be asked again: {why}")
    with tempfile.TemporaryDirectory(prefix="streamlab-") as folder:
        kept = [Path(folder) / f"{side}.db" for side in "ab"]
        with ExitStack() as stack:
            recorders = [
                stack.enter_context(LiveRecorder(None, url, path)) for url, path in zip(urls, kept, strict=True)
            ]
            client = stack.enter_context(httpx.Client(timeout=_TIMEOUT_S, trust_env=False))
            for _ in range(count):
                for recorder in recorders:
                    ask_again(client, recorder.base_url, request, {})
                    advance()
        sides = [_numbered(url, path) for url, path in zip(urls, kept, strict=True)]
        yield sides[0], sides[1]


def _numbered(url: str, path: Path) -> TallyInput:
    listed = [(one, f"run {number}") for number, one in enumerate(find(str(path)), 1)]
    return TallyInput(visible(urlsplit(url).netloc.rpartition("@")[2] or url, 60), listed)
