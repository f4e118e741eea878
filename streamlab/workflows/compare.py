"""Comparing what targets name: two exchanges, or every hop of a conversation. Wiring only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from streamlab.comparing.comparison import Comparison
from streamlab.comparing.conversations import Tie, Witness, conversation_of, witness
from streamlab.comparing.hops import Names, compare_exchanges, names_of
from streamlab.comparing.parity import Parity, are_two_modes, compare_modes
from streamlab.errors import UsageError
from streamlab.exchange import Exchange
from streamlab.record import changed
from streamlab.sharing.shown import as_shown
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.wire.visible import visible
from streamlab.workflows.check import find_one

#: Exchanges before and after the one in question that are looked at for its other hops.
_NEIGHBOURS = 200


@dataclass(frozen=True, slots=True)
class Hop:
    """Two neighbouring taps of one conversation, compared. ``confidence`` that they belong together is in 0 to 1."""

    a_source: str
    b_source: str
    comparison: Comparison
    confidence: float | None = None
    reasons: tuple[str, ...] = ()


def compare_targets(a: str, b: str, db: Path | None = None, masking: Masking | None = None) -> Hop | Parity:
    """Two exchanges compared, ``a`` being the one nearer to the model: what the hop did, or, when one was asked to
    stream and the other was not, how the two modes differ. With ``masking`` no secret is said."""
    with _opened(a, db) as (source_a, mine), _opened(b, db) as (source_b, theirs):
        mine, theirs = as_shown(mine, masking), as_shown(theirs, masking)
        if are_two_modes(mine, theirs):
            return compare_modes(mine, theirs)
        mine, theirs, source_a, source_b = _inner_first(mine, theirs, source_a, source_b)
        names = names_of(mine, theirs)
        if names == Names("A", "B"):
            names = _by_source(source_a, source_b)
        return Hop(source_a, source_b, compare_exchanges(mine, theirs, names=names))


@contextmanager
def _opened(target: str, db: Path | None) -> Iterator[tuple[str, Exchange]]:
    found = find_one(target, db)
    with found.opened() as exchange:
        yield found.source, exchange


def _by_source(a: str, b: str) -> Names:
    """Folders and files are called by their own name."""
    names = Names(visible(Path(a).name, 60), visible(Path(b).name, 60))
    if names.a == names.b or names.a.isdigit() or names.b.isdigit() or "#" in a + b:
        return Names("A", "B")
    return names


def _inner_first(mine: Exchange, theirs: Exchange, a: str, b: str) -> tuple[Exchange, Exchange, str, str]:
    """Two taps of one database are put in order, whichever way round they were named: the inner one began later."""
    same_file = mine.id is not None and theirs.id is not None and mine.tap != theirs.tap
    if same_file and mine.started_at and theirs.started_at and mine.started_at < theirs.started_at:
        one, other = witness(mine), witness(theirs)
        if one is not None and other is not None and len(conversation_of(one, [other])) == 2:
            return theirs, mine, b, a
    return mine, theirs, a, b


def compare_hops(target: str, db: Path | None = None, masking: Masking | None = None) -> list[Hop]:
    """Every hop of the conversation that the target belongs to, the one next to the model first.

    Raises UsageError when the target is not in a database, or no other tap saw the conversation.
    """
    found = find_one(target, db)
    if found.id is None:
        raise UsageError("--hops wants an exchange of a database: its other hops are looked for there")
    with CaptureDB(found.path) as database:
        anchor = witness(database.get(found.id))
        near = _neighbours(database, found.id)
        ties = conversation_of(anchor, near) if anchor is not None else []
        if len(ties) < 2:
            raise UsageError(
                f"no other tap saw the conversation of exchange {found.id}: record both sides of the gateway in one "
                "run, streamlab record --tap model=LISTEN=URL --tap gateway=LISTEN=URL"
            )
        return [_hop(database, inner, outer, masking) for inner, outer in pairwise(ties)]


def _neighbours(database: CaptureDB, exchange_id: int) -> list[Witness]:
    rows = database.overview(after=max(0, exchange_id - _NEIGHBOURS), limit=2 * _NEIGHBOURS)
    taps = {row.id: row.tap for row in rows}
    own = taps.get(exchange_id)
    others = (witness(database.get(row.id)) for row in rows if row.tap != own)
    return [one for one in others if one is not None]


def _hop(database: CaptureDB, inner: Tie, outer: Tie, masking: Masking | None) -> Hop:
    mine, theirs = database.get(inner.id), database.get(outer.id)
    mine, theirs = (as_shown(changed(one, segments=tuple(one.segments)), masking) for one in (mine, theirs))
    weaker = min(inner, outer, key=lambda one: one.confidence)
    return Hop(
        f"{database.path}#{inner.id}",
        f"{database.path}#{outer.id}",
        compare_exchanges(mine, theirs),
        weaker.confidence,
        weaker.reasons,
    )
