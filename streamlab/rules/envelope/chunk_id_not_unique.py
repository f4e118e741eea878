"""See the class."""

from __future__ import annotations

import re

from streamlab.expectations.sources import CHAT_CHUNK
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.wire import reading
from streamlab.wire.apis import Api
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

#: After what everybody puts in front, nothing is left, or a word, or a number below a thousand.
_CONSTANT = re.compile(
    r"(?:(?:chatcmpl|cmpl|gen|chat|completion|response|resp|id)[-_]?)?(?:\d{0,3}|none|null|test)", re.I
)


class ChunkIdNotUnique(Rule):
    """The chunk id cannot be unique: it is a constant word or a number below a thousand.

    ## What OpenAI does
    Makes a new id for every answer.

    ## Why it matters
    Traces, caches and stores that key answers by id mix them up. Whether two answers really share an id can only be
    seen by comparing exchanges; one exchange shows ids such as ``chat``, ``chatcmpl-`` or ``chatcmpl-574`` that cannot
    help repeating themselves.

    ## Repair
    The id gets a suffix made from the stream.
    """

    name = "chunk-id-not-unique"
    severity = Severity.INFO
    source = CHAT_CHUNK
    repair = Mend.SAFE
    apis = frozenset({Api.CHAT, Api.COMPLETIONS})
    on = Fact.ENVELOPE

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        chunk_id = chunk.get("id")
        if type(chunk_id) is not str or not chunk_id or not reading.owes_envelope(chunk):
            return
        self.retire()
        if len(chunk_id) < 24 and _CONSTANT.fullmatch(chunk_id):
            yield self.found(
                f"chunk id {quote(chunk_id)} cannot be unique to this answer",
                at,
                path="id",
                expected="an id of its own for every answer",
                actual=chunk_id,
            )
