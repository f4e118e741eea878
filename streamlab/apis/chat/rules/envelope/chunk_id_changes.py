"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.apis.chat.restarts import ids_of_two
from streamlab.redaction.placeholders import changed_by_recorder, is_placeholder
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ChunkIdChanges(Rule):
    """Chunks of one answer carry different ids.

    ## What OpenAI does
    Gives every chunk of an answer one and the same id (2,693 of 2,693 recorded streams). Azure leaves the id empty in
    the chunks of its content filter; an empty id does not count here, nor one that a recorder replaced
    (``req_REDACTED_1``). Where another answer begins, that is told instead.

    ## Why it matters
    The id says which answer a chunk belongs to. openai-go's accumulator refuses every chunk after the first change, so
    the rest of the answer is lost; openai-node reads a new id in a stored stream as a new request. Clients that only
    join texts notice nothing.

    ## Repair
    Every chunk gets the first id that is not empty.
    """

    name = "chunk-id-changes"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE

    _first: str | None = None

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        chunk_id = chunk.get("id")
        if type(chunk_id) is not str or not chunk_id or not reading.owes_envelope(chunk):
            return
        if self._first is None or (chunk_id != self._first and ids_of_two(self.ctx, chunk) is not None):
            self._first = chunk_id
        elif changed_by_recorder(self._first, chunk_id):
            self._first = self._first if is_placeholder(chunk_id) else chunk_id
        elif chunk_id != self._first:
            yield self.found(
                f"the chunk id changes from {quote(self._first)} to {quote(chunk_id)}",
                at,
                path="id",
                expected=self._first,
                actual=chunk_id,
            )
