"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire.bad_payloads import DONE_EVENTS
from streamlab.wire.events import Chunk, Done, StreamEvent
from streamlab.wire.reading import Fact


class SseEventNameOnChat(Rule):
    """Events of a chat stream have a name.

    Names that mean something by themselves (error, ping, done) have their own rules.

    ## What OpenAI does
    Promises events of data alone, and names none in chat streams; in the Responses API it names every one.

    ## Why it matters
    Browsers' ``EventSource`` hands named events only to listeners of that name. {clients: none} measured clients ignore
    the name; openai-python 1.35 drops named events and loses the answer, openai-node 4 wraps the chunk, so that its
    loop and its ``.stream()`` helper find no choices and raise.

    ## Repair
    The name is taken out.
    """

    name = "sse-event-name-on-chat"
    needs_framing = True
    severity = Severity.WARNING
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.CHUNKS
    on = Fact.LINES

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or sse.event is None or sse.event == b"error":
            return
        if sse.event.strip().lower() in DONE_EVENTS:
            return  # sse-done-variant
        if isinstance(event, Done) or (isinstance(event, Chunk) and "choices" in event.json):
            name = sse.event.decode("utf-8", "replace")
            yield self.found(f"the event is named {quote(name)}", at, expected="no event field", actual=name)
