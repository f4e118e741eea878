"""Nothing that is no event stream is ticked, whatever asked for it, and check and normalize agree about it."""

from __future__ import annotations

import json
from pathlib import Path

from streamlab.exchange import Ending, Exchange, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.rules.finding import Severity
from tests import messages, responses, streams
from tests.batches import batched

REQUESTS = {
    "chat": streams.request_for(),
    "responses": responses.request_for(),
    "messages": messages.request_for(),
}
#: What came, by its name; each character is a byte.
BODIES = {
    name: text.encode("latin-1")
    for name, text in json.loads(Path(__file__).with_name("no_streams.json").read_bytes()).items()
}
CASES = [(api, name, kind) for api in REQUESTS for name in BODIES for kind in ("text/event-stream", "text/plain")]


@batched("api, name, kind", CASES, parts=3)
def test_it_is_an_error_and_stays_one_fact(api, name, kind):
    exchange = Exchange(
        request=REQUESTS[api],
        head=ResponseHead(200, (("content-type", kind),)),
        segments=(Segment(None, BODIES[name]),),
        ending=Ending.COMPLETE,
    )
    before = _errors(exchange)
    assert before
    repaired = normalize(exchange)
    after = _errors(repaired.exchange)
    assert after <= before
    assert errors_left(repaired) or not after


def _errors(exchange: Exchange) -> set[str]:
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}
