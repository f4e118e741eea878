"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Spell
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ChunkIdMissingOrEmpty(LateRule):
    """A chunk has no id, or one that is null, empty or no string.

    ## What OpenAI does
    Sends a non-empty string (``chatcmpl-...``) in every chunk. Only Azure's content filter sends an empty one, in
    chunks that carry no answer; those are not judged.

    ## Why it matters
    Nothing can be correlated by id, and strictly typed clients (async-openai) reject a chunk without it. A number is
    worse: the AI SDK (compatible and openai provider, 4 to 6), LiteLLM, openai-agents-js and BAML raise on it,
    measured, which makes it an error. Of empty, null or missing ids openai-node 7's ``.stream()`` alone minds: it loses
    usage that comes in a later chunk.

    ## Repair
    The first good id of the stream, or one made from the stream itself, is written into every chunk.
    """

    name = "chunk-id-missing-or-empty"
    severity = Severity.WARNING
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE
    variants = (_NUMBER, _EMPTY, _USAGE) = (
        "it is a number",
        "it is absent, null or empty",
        "it is absent, null or empty, and usage comes in a later chunk",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._judged, self._bad = Spell(), Spell()

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, before = reading.chunk_of(event), self.ctx.seen.chunks
        owed, value = reading.owes_envelope(chunk), chunk.get("id", "(absent)")
        self._judged.turn(owed, before)
        if self._bad.turn(owed and (type(value) is not str or value in ("", "(absent)")), before, value):
            self._bad.place, self._bad.value = self.keep(at, event, "id"), value

    def end(self, ending: Ending) -> Findings:
        value = self._bad.value
        if self._bad.place is None:
            return
        empty = value is None or value in ("", "(absent)")
        yield self.found_at(
            self._bad.place,
            f"chunk id is {self.values(self._bad)} {self.share(self._bad, self._judged)}",
            expected='a non-empty string, "chatcmpl-…"',
            actual=value,
            severity=Severity.WARNING if empty else Severity.ERROR,
            variant=(self._USAGE if self._counts() else self._EMPTY)
            if empty
            else self._NUMBER
            if type(value) in (int, float)
            else None,
        )

    def _counts(self) -> bool:
        """Whether there is usage that is not in the first chunk alone."""
        first = reading.as_object(self.ctx.seen.first_chunk)
        return bool(self.ctx.accumulator.usage) and self.ctx.accumulator.usage != first.get("usage")
