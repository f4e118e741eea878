"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.apis.chat.restarts import ids_of_two
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place, Spell
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ModelMissingOrChanges(LateRule):
    """``model`` is missing, null, empty or no string, or changes inside the stream.

    ## What OpenAI does
    Sends the same model name in every chunk. It may be a dated snapshot of the one asked for, so a name other than the
    request's is not judged. Azure's content filter chunks leave it empty; they carry no answer and are not judged.

    ## Why it matters
    Costs and logs are kept by model. BAML raises when it is null or missing, measured, and so does every client with a
    strictly typed chunk.

    ## Repair
    The first good name of the stream, else the one in the request, is written into every chunk.
    """

    name = "model-missing-or-changes"
    severity = Severity.WARNING
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE
    variants = ("it is missing or null", "it is empty", "it changes")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._judged, self._bad = Spell(), Spell()
        self._first: str | None = None
        self._second: str | None = None
        self._changed: Place | None = None
        self._stays = False  # whether it changes where the answer starts over: that is no repair's to hide

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, before = reading.chunk_of(event), self.ctx.seen.chunks
        owed, model = reading.owes_envelope(chunk), chunk.get("model")
        named = type(model) is str and bool(model)
        self._judged.turn(owed, before)
        if self._bad.turn(owed and not named, before, chunk.get("model", "(absent)")):
            self._bad.place, self._bad.value = self.keep(at, event, "model"), chunk.get("model", "(absent)")
        if not owed or not named:
            return
        if self._first is None:
            self._first = model
        elif model != self._first and self._changed is None:
            self._changed, self._second = self.keep(at, event, "model"), model
            self._stays = ids_of_two(self.ctx, chunk) is not None

    def end(self, ending: Ending) -> Findings:
        if self._bad.place is not None:
            value = self._bad.value
            missing = value is None or value == "(absent)"
            yield self.found_at(
                self._bad.place,
                f"model is {self.values(self._bad)} {self.share(self._bad, self._judged)}",
                expected=self._first or self.ctx.body.get("model") or "the model's name",
                actual=value,
                variant="it is missing or null" if missing else "it is empty" if value == "" else None,
            )
        elif self._changed is not None:
            yield self.found_at(
                self._changed,
                f"model changes from {quote(self._first)} to {quote(self._second)}",
                expected=self._first,
                actual=self._second,
                variant="it changes",
                repairability=Repairability.NONE if self._stays else None,
            )
