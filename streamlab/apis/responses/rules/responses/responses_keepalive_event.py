"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import is_own_keepalive
from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import error_objects, reading
from streamlab.wire.events import Chunk


class ResponsesKeepaliveEvent(Rule):
    """An event inside a Responses stream is none of this API's: a keep-alive, a ping, or another API's chunk.

    ## What OpenAI does
    Every event of the recorded streams has a ``type`` that begins with ``response.``; besides these the specification
    knows only ``error``. A connection is kept alive by comments, which clients skip by themselves, and since 2026 by
    events of type ``keepalive`` that hold nothing but their ``sequence_number``: those are OpenAI's own, and only
    mentioned.

    ## Why it matters
    Clients whose event type is a closed list fail to decode the event and end the stream; async-openai had to learn to
    skip ``keepalive``.

    ## Repair
    Turned into a comment.
    """

    name = "responses-keepalive-event"
    severity = Severity.WARNING
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponsesEvents

    def shape(self, at: int, chunk: Chunk) -> Findings:
        kind = reading.event_type(chunk.json)
        if error_objects.flat_error(chunk.json) is not None:
            return
        if not kind:
            members = quote(", ".join(map(str, list(chunk.json)[:6])))
            message = f"an event has no type, only {members}" if chunk.json else "an event is an empty object"
            yield self.found(message, at, expected="type response.…", repairability=Repairability.UNSAFE)
        elif is_own_keepalive(chunk.json):
            message = "a keep-alive in an event of its own, as OpenAI sends it since 2026"
            yield self.found(message, at, path="type", severity=Severity.INFO, repairability=Repairability.NONE)
        elif not kind.startswith("response.") and kind != "error":
            message = f"type {quote(kind)} is no event of the Responses API"
            yield self.found(message, at, path="type", expected="response.…", actual=kind)
