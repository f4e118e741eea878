"""First, do no harm: what repairs may never do to any stream that lies in the repository."""

from __future__ import annotations

from pathlib import Path

from tests import corpus
from tests.batches import batched
from tests.harm_laws import broken_laws

FIXTURES = Path(__file__).parents[2] / "fixtures"
STREAMS = {
    f"{root.name}/{found.parent.relative_to(root)}": found.parent
    for root in (FIXTURES, corpus.CORPUS)
    for found in sorted(root.rglob("exchange.json"))
}


@batched("name", STREAMS, parts=12)
def test_repairs_do_no_harm(name):
    exchange = corpus.load(STREAMS[name])
    assert broken_laws(exchange) == {}
