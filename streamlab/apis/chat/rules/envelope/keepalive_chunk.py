"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.keepalives import is_keepalive, named_by
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class KeepaliveChunk(LateRule):
    """A keep-alive comes as a chunk, with an id, a model or a time of its own.

    ## What OpenAI does
    Sends no keep-alives in chat streams. Who needs one sends a comment.

    ## Why it matters
    Its id is another than the answer's: openai-go's accumulator refuses all chunks after it, so the whole answer is
    lost. Its model and time stand in the logs for those of the answer.

    ## Repair
    It becomes a comment. Nothing of its envelope is taken over.
    """

    name = "keepalive-chunk"
    severity = Severity.WARNING
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE | Fact.FIRST | Fact.NO_CHOICES

    _count = 0
    _place: Place | None = None
    _id: object = None
    _named = "id"  # the member that says what it is
    _value: object = None
    _answer: JsonObject | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if not is_keepalive(chunk):
            self._answer = self._answer or (chunk if reading.choices(chunk) else None)
            return
        self._count += 1
        if self._place is None:
            self._named, self._id = named_by(chunk) or "id", chunk.get("id")
            self._place, self._value = self.keep(at, event, self._named), chunk.get(self._named)

    def end(self, ending: Ending) -> Findings:
        if self._place is None:
            return
        same = self._answer is None or self._id == self._answer.get("id")
        yield self.found_at(
            self._place,
            f"a keep-alive comes as a chunk, with the {self._named} {quote(self._value)}",
            expected=": keep-alive",
            actual=self._value,
            severity=Severity.WARNING if same else Severity.ERROR,  # as chunk-id-changes, which it is then as well
        )
