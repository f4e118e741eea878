"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import CLIENTS
from streamlab.wire.bad_payloads import PING_EVENTS
from streamlab.wire.events import Chunk, Done, StreamEvent
from streamlab.wire.reading import Fact

_TYPES = frozenset(name.decode() for name in PING_EVENTS)


class SsePingEventWithData(Rule):
    """An event that only keeps the connection open carries data, as if it were a chunk.

    ## What OpenAI does
    Sends no pings in chat streams. The Responses API has a ``keepalive`` event of its own.

    ## Why it matters
    Clients of chat streams do not look at event names, so the data is read as a chunk. JSON such as ``{"type":
    "ping"}`` or ``{}`` has no choices: the AI SDK fails validation, code that reads ``chunk.choices`` raises ({clients:
    raises} measured clients). Text, such as the date that sse-starlette before 1.4 sends, is no JSON: all but those
    that skip named events raise.

    ## Repair
    Turned into a comment.
    """

    name = "sse-ping-event-with-data"
    needs_framing = True
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.OPENAI
    on = Fact.LINES | Fact.TYPED

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or sse.data is None or isinstance(event, Done) or self.ctx.api.tells_pings:
            return
        if not isinstance(event, Chunk) and b'"choices"' in sse.data:
            return  # of what it was meant to be, another rule tells
        kind = event.json.get("type") if isinstance(event, Chunk) else None
        if isinstance(event, Chunk) and event.json.get("choices"):
            return
        if type(kind) is str and kind in self.ctx.api.keepalive_types:
            return  # at home there
        name = (sse.event or b"").strip().lower()
        if name in PING_EVENTS:
            said = f"event: {name.decode()}"
        elif type(kind) is str and kind in _TYPES:
            said = f'type "{kind}"'
        else:
            return
        yield self.found(f"a ping ({said}) carries data {quote(sse.text)}", at, expected=": ping", actual=sse.text)
