"""Two sides of many exchanges (folders, databases, bundles, runs) counted against each other. Wiring only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamlab.comparing.hops import Names, compare_exchanges
from streamlab.comparing.tally import FolderTally, TalliedSide, pair_up
from streamlab.errors import UnreadableInputError
from streamlab.judging.analyzer import analyze
from streamlab.storage.targets import Target, find
from streamlab.wire.payload import decode_payload
from streamlab.wire.visible import visible


def holds_many(target: str, db: Path | None) -> bool:
    """Whether a TARGET is more than one exchange. Raises UsageError, NotFoundError, UnreadableInputError."""
    return len(list(find(target, db))) > 1


@dataclass(frozen=True, slots=True)
class TallyInput:
    """One side to be counted: what it is called, and its exchanges with the name by which each finds its partner."""

    name: str
    exchanges: Iterable[tuple[Target, str]]


def folder(target: str, db: Path | None) -> TallyInput:
    """A folder, database or bundle as a side. Raises UsageError, NotFoundError, UnreadableInputError."""
    return TallyInput(_name(target), ((one, _called(one)) for one in find(target, db)))


def tally(a: TallyInput, b: TallyInput, advance: Callable[[], None], warn: Callable[[str], object]) -> FolderTally:
    """Every exchange of both judged, every pair compared; ``a`` is the side nearer to the model.

    Exchanges that cannot be read are told to ``warn`` and left out. Raises UnreadableInputError when none can.
    """
    counted = FolderTally(TalliedSide(a.name), TalliedSide(b.name))
    if counted.a.name == counted.b.name:
        counted.a.name, counted.b.name = "A", "B"
    mine, theirs = (_judged(put, counted, side, advance, warn) for put, side in ((a, counted.a), (b, counted.b)))
    pairs = list(pair_up([one[1:] for one in mine], [one[1:] for one in theirs]))
    for at, other in pairs:
        with mine[at][0].opened() as one, theirs[other][0].opened() as two:
            counted.add_pair(compare_exchanges(one, two, names=Names(counted.a.name, counted.b.name)))
        advance()
    alone = [one[1] for at, one in enumerate(mine) if at not in {pair[0] for pair in pairs}]
    alone += [one[1] for at, one in enumerate(theirs) if at not in {pair[1] for pair in pairs}]
    counted.unpaired = alone
    return counted


def _judged(
    put: TallyInput,
    counted: FolderTally,
    side: TalliedSide,
    advance: Callable[[], None],
    warn: Callable[[str], object],
) -> Sequence[tuple[Target, str, object]]:
    found = []
    unreadable: UnreadableInputError | None = None
    for one, name in put.exchanges:
        try:
            with one.opened() as exchange:
                counted.add(side, analyze(exchange), exchange.ending)
                body = exchange.request.body if exchange.request is not None else None
        except UnreadableInputError as error:
            warn(f"streamlab: warning: left out: {error}")
            unreadable = error
            continue
        found.append((one, name, decode_payload(body).value if body else None))
        advance()
    if not found and unreadable is not None:
        raise unreadable
    return found


def _called(one: Target) -> str:
    name = Path(one.path).name if one.id is None and one.number is None else ""
    return name or one.source


def _name(target: str) -> str:
    return visible(Path(target.rstrip("/")).name or target, 40)
