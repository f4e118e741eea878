"""See the class."""

from __future__ import annotations

import re

from streamlab.apis import api_names
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Origin, Repair, Stage
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact

#: After what everybody puts in front, nothing is left, or a word, or a number below a thousand.
_CONSTANT = lazy_pattern(
    r"(?:(?:chatcmpl|cmpl|gen|chat|completion|response|resp|id)[-_]?)?(?:\d{0,3}|none|null|test)", re.I
)


class SuffixConstantId(Repair):
    """Gives a constant id a suffix made from the request and the first chunk."""

    rules = ("chunk-id-not-unique",)
    stage = Stage.ENVELOPE
    minds = 0
    on = Fact.ENVELOPE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    _from = _to = ""
    _sound = False  # the answer's id is none of these; one that begins over may have another

    def event(self, draft: Draft) -> Drafts:
        chunk = draft.json if draft.is_chunk and not self._sound else {}
        given = chunk.get("id")
        if not self._to and type(given) is str and given and self._tells(chunk):
            if len(given) >= 24 or not _CONSTANT.fullmatch(given):
                self._sound = True
                self.retire()
                return (draft,)
            self._from = given
            import hashlib  # deferred: it loads OpenSSL

            self._to = f"{given}-{hashlib.sha256(encode_json([self.state.body, chunk])).hexdigest()[:24]}"
        if self._to and given == self._from:
            self.awake = True
            draft.put(self.rules[0], chunk, "id", self._to, "", Origin.INVENTED)
        return (draft,)

    @staticmethod
    def _tells(chunk: JsonObject) -> bool:
        """Whether a chunk has the id of the answer; one without choices, before it, only where that is a constant."""
        if reading.owes_envelope(chunk) or chunk.get("choices"):
            return True
        return type(chunk.get("choices")) is list and bool(_CONSTANT.fullmatch(chunk["id"]))


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
    repairability = Repairability.SAFE
    repair = SuffixConstantId
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
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
