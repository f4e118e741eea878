"""What no repair could do is said of the event of which the finding speaks."""

from __future__ import annotations

from pathlib import Path

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.storage.exchange_dir import read_exchange_dir
from tests.batches import batched

_ROOT = Path(__file__).parents[2]
_HOMES = [
    found.parent
    for below in ("fixtures", "corpus/protocols", "corpus/reports")
    for found in sorted((_ROOT / below).rglob("exchange.json"))
]


#: What the repair says of the whole stream, and the finding where it would have stood.
_OF_THE_WHOLE = {"finish-reason-missing"}


@batched("home", _HOMES, parts=2)
def test_what_stays_is_said_to_be_where_it_was_found(home: Path) -> None:
    exchange = read_exchange_dir(home)
    where: dict[str, set[int | None]] = {}
    for one in analyze(exchange).findings:
        where.setdefault(one.rule, set()).update(one.events or (one.event,))
    for unsafe in (False, True):
        left = normalize(exchange, unsafe=unsafe).unrepaired
        placed = [one for one in left if one.rule in where and (one.event is not None or one.rule not in _OF_THE_WHOLE)]
        wrong = [one for one in placed if one.event not in where[one.rule]]
        assert not wrong
