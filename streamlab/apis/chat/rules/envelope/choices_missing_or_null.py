"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place, Spell
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.rules.state import RuleState
from streamlab.wire import error_objects, reading
from streamlab.wire.bad_payloads import DONE_EVENTS, PING_EVENTS
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class ChoicesMissingOrNull(LateRule):
    """A chunk has no list of choices.

    ## What OpenAI does
    Sends a list in every chunk, empty in the usage chunk. Its audio models are the exception: some of their chunks lack
    the key, so streams with audio are not judged. Errors have a shape of their own, and a usage chunk without choices
    is ``usage-chunk-choices-null``.

    ## Why it matters
    Whoever iterates over ``chunk.choices`` fails on null: the loops that openai-python and openai-node document, both
    ``.stream()`` helpers, the AI SDK and AutoGen all raise, measured, in the middle of a good answer.

    ## Repair
    ``choices`` becomes an empty list. An object that is no chunk at all, such as an event with a name of its own,
    becomes a comment: nothing is made of it, and nothing taken from it.
    """

    name = "choices-missing-or-null"
    severity = Severity.ERROR
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.NO_CHOICES | Fact.SHAPE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._bad = Spell()
        self._count = 0
        self._remarks: list[tuple[int, Place]] = []  # how much of the answer came before, and where it stands

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if reading.is_of_audio_model(chunk) or any("audio" in one for one in reading.deltas(chunk)):
            self._count = 0
            self.retire()
        elif type(chunk.get("choices")) is not list and chunk.get("usage") is None:
            name = event.sse.event if event.sse is not None else None
            remark = name is None and error_objects.may_be_remark(chunk)
            if not remark and _means_something_else(event, chunk):
                return
            place = self.keep(at, event, "choices")
            if remark:
                self._remarks.append((self.ctx.seen.content_events, place))
                return
            self._count += 1
            if self._bad.place is None:
                self._bad.place, self._bad.value = place, chunk.get("choices", "(absent)")

    def end(self, ending: Ending) -> Findings:
        for said, place in self._remarks:
            if self.ctx.seen.content_events > said:  # the answer went on: it was no error
                self._count += 1
                if self._bad.place is None:
                    self._bad.place, self._bad.value = place, "(absent)"
        if not self._count:
            return
        value = self._bad.value
        shown = "has no choices" if value == "(absent)" else f"has choices {quote(value)}"
        more = f", as {self._count} chunks have" if self._count > 1 else ""
        yield self.found_at(self._bad.place, f"a chunk {shown}{more}", expected=[], actual=value)


def _means_something_else(event: StreamEvent, chunk: JsonObject) -> bool:
    """Whether this is a ping, the end or an error in a form of the server's own; each has a rule of its own."""
    name = (event.sse.event or b"").strip().lower() if event.sse is not None else b""
    if error_objects.failed_event(name, chunk) is not None:
        return True
    kind = chunk.get("type")
    ping = type(kind) is str and kind.encode() in PING_EVENTS
    return ping or name in PING_EVENTS or name in DONE_EVENTS
