"""What a repair may not do while the stream goes on: which laws does the repair of an exchange break, read by read?

However the bytes come, the same goes out. Who hears no more of an answer that seems to be whole (the upstream keeps the
connection open behind it) finds no error that is neither in what came nor in the repair of that, which
`tests.harm_laws` hold.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from streamlab.exchange import Ending, Exchange, Segment
from streamlab.repairing.normalizer import Normalizer, normalize
from tests.harm_laws import errors

BYTEWISE = "one byte after another, something else goes out"
IN_CUTS = "cut anyhow, something else goes out"
LET_GO = "who waits no longer finds an error"
_STEPS = (1, 2, 5, 40, 300, 2000)


def broken_live_laws(exchange: Exchange) -> dict[str, Any]:
    """The laws that the repair of an exchange breaks while it comes, safe or not, and by what."""
    laws: dict[str, Any] = {}
    for unsafe in (False, True):
        whole = normalize(exchange, unsafe=unsafe)
        if whole.left_alone is not None:
            continue
        repaired = whole.exchange
        mark = ", unsafe" if unsafe else ""
        laws[BYTEWISE + mark] = _bytewise(exchange, unsafe=unsafe) != repaired.body
        laws[IN_CUTS + mark] = _in_cuts(exchange, unsafe=unsafe) != repaired.body
        laws[LET_GO + mark] = _errors_let_go(exchange, repaired, unsafe=unsafe)
    return {law: by for law, by in laws.items() if by}


def _bytewise(exchange: Exchange, *, unsafe: bool) -> bytes:
    normalizer = Normalizer(exchange.request, exchange.head, unsafe=unsafe)
    return normalizer.feed_bytewise(exchange.body) + normalizer.finish(exchange.ending)


def _in_cuts(exchange: Exchange, *, unsafe: bool) -> bytes:
    normalizer, draw = Normalizer(exchange.request, exchange.head, unsafe=unsafe), random.Random(len(exchange.body))
    out, at = b"", 0
    while at < len(exchange.body):
        step = draw.choice(_STEPS)
        out += normalizer.feed(exchange.body[at : at + step])
        at += step
    return out + normalizer.finish(exchange.ending)


def _errors_let_go(exchange: Exchange, repaired: Exchange, *, unsafe: bool) -> set[str]:
    """The errors that come of it when nothing more is waited for once nothing seems to be outstanding."""
    normalizer, out = Normalizer(exchange.request, exchange.head, unsafe=unsafe), b""
    for at in range(len(exchange.body)):
        out += normalizer.feed(exchange.body[at : at + 1])
        if normalizer.done:
            came, held = _over(exchange, exchange.body[: at + 1]), _over(repaired, out + normalizer.release())
            return errors(held) - errors(came) - errors(normalize(came, unsafe=unsafe).exchange)
    return set()


def _over(exchange: Exchange, body: bytes) -> Exchange:
    return replace(exchange, segments=(Segment(None, body),), http_chunks=None, ending=Ending.COMPLETE)
