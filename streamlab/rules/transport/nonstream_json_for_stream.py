"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.whole import Whole
from streamlab.wire import reading
from streamlab.wire.bodies import BodyKind
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class NonstreamJsonForStream(Rule):
    """A stream was asked for and one whole completion came, as plain JSON or as the only event of a stream.

    Silent where nothing shows that a stream was asked for. Whole messages in several events are another deviation.

    ## What OpenAI does
    Answers ``"stream": true`` with an event stream of chunks.

    ## Why it matters
    Plain JSON holds no events: {clients: silent-loss} measured clients, openai-python and openai-node among them, hand
    out an empty answer, their ``.stream()`` helpers and pydantic-ai raise. As an event it has no ``delta``, and most
    clients crash or lose the text.

    ## Repair
    The completion is cut into a role chunk, content and tool call chunks, a finish chunk and ``[DONE]``; a message or a
    response into the events of its API. Nothing has to be guessed; that it was not streamed cannot be undone.
    """

    name = "nonstream-json-for-stream"
    needs_framing = True
    severity = Severity.ERROR
    source = CHAT_STREAM
    repairability = Repairability.SAFE
    apis = Scope.JUDGED
    on = Fact.MESSAGE
    ends_after = Whole.NO_STREAM

    _at: int | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        if self._at is None and self.ctx.api.is_whole_answer(reading.chunk_of(event)):
            self._at = at
        self.retire()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.streamed:
            return
        if self._at is not None and ctx.seen.chunks == 1:
            yield self._found("as the only event of the stream", ctx.seen.first_chunk, self._at)
        elif ctx.received.kind is BodyKind.JSON:
            whole = reading.as_object(ctx.received.whole_json)
            if ctx.api.is_whole_answer(whole):
                yield self._found("as plain JSON", whole)
            elif ctx.received.foreign is None and reading.is_whole_completion(whole):
                yield self._found("as plain JSON", whole, repairability=Repairability.NONE)

    def _found(
        self, how: str, value: Any, at: int | None = None, repairability: Repairability | None = None
    ) -> Finding:
        whole = reading.as_object(value)
        what, key = ("completion", "object") if "object" in whole or "type" not in whole else ("message", "type")
        kind = whole.get(key)
        return self.found(
            f"a whole {what} came {how} ({key} {quote(kind)})",
            at,
            span=(0, self.ctx.received.decoded_bytes) if at is None else None,
            expected=f"a stream: {self.ctx.api.stream_start}",
            actual=kind,
            repairability=repairability,
        )
