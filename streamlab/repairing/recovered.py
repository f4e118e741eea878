"""What is wrong with the events behind a fault of framing: of those no rule speaks while no client can read them."""

from __future__ import annotations

from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.repairing.hidden import hides_events
from streamlab.repairing.normalizer import Normalizer
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.repair import Stage


def recovered_findings(exchange: Exchange, report: Report) -> tuple[Finding, ...]:
    """Errors and warnings about the events that are there once their framing is repaired, and about nothing else.

    Without numbers and bytes: those would be of a stream that nobody sent.
    """
    if not hides_events(report):
        return ()
    normalizer = Normalizer(exchange.request, exchange.head, api=report.api, until=Stage.PAYLOAD)
    body = normalizer.feed(exchange.body) + normalizer.finish(exchange.ending)
    if body == exchange.body:
        return ()
    known = {one.rule for one in report.findings}
    found = analyze(changed(exchange, segments=(Segment(None, body),), http_chunks=None, end_us=None)).findings
    grave = (one for one in found if one.severity is not Severity.INFO and one.rule not in known)
    return tuple(changed(one, event=None, span=None, offset_us=None) for one in grave)
