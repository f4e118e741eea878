"""First, do no harm: what repairs may never do to any stream that lies in the repository.

What still breaks a law is listed; a listed stream that keeps it fails the test, so the list can only shrink.
"""

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

#: stream -> the laws that its repair breaks today
BROKEN: dict[str, set[str]] = {
    # `finish_reason: null` is added to one choice of two as far as the first chunk that has it, and then to the rest.
    "corpus/real/chat-n/gateway": {"twice is not once"},
}


@batched("name", STREAMS, parts=12)
def test_repairs_do_no_harm(name):
    exchange = corpus.load(STREAMS[name])
    broken = broken_laws(exchange)
    assert set(broken) == BROKEN.get(name, set()), broken
