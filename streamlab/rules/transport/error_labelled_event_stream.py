"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import NOT_OK, Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import HTTP
from streamlab.wire.bodies import BodyKind


class ErrorLabelledEventStream(Rule):
    """The body of an HTTP error is JSON, and its Content-Type says ``text/event-stream``.

    ## What OpenAI does
    Labels errors ``application/json``.

    ## Why it matters
    Who chooses a reader by the type waits for events in a body that has none, and loses the message; the official
    clients go by the status and read it as JSON.

    ## Repair
    None: the status tells clients what it is.
    """

    name = "error-labelled-event-stream"
    needs_framing = True
    severity = Severity.WARNING
    source = HTTP
    apis = Scope.JUDGED
    statuses = NOT_OK

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.content_type == "text/event-stream" and ctx.received.kind is BodyKind.JSON:
            value = ctx.head.header("content-type") if ctx.head is not None else None
            said = f"an error as JSON, labelled {quote(value)}"
            yield self.found_in_head("content-type", said, expected="application/json")
