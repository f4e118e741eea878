"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CLIENTS
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ErrorMidstreamStandard(Rule):
    """The server reports a failure inside the stream, in the way clients understand.

    A failure of the server, not of the protocol: the form is right, so this is told and not held against it.

    ## What OpenAI does
    Sends ``data: {"error": {"message", "type", "param", "code"}}`` when generation fails after the 200, then
    ``[DONE]``; 7 of 2,693 recorded streams.

    ## Why it matters
    Official clients raise, and what came before is lost unless the caller kept it.

    ## Repair
    None needed; ask again.
    """

    name = "error-midstream-standard"
    severity = Severity.INFO
    source = CLIENTS
    apis = Scope.CHUNKS
    on = Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, ErrorPayload):
            return
        error = event.json["error"]
        if type(error) is dict:
            yield self.found(
                f"the server reports an error in the stream: {quote(error.get('message', error), 120)}",
                at,
                path="error",
                actual=error,
            )
