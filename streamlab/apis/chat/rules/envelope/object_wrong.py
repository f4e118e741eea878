"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place, Spell
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.keepalives import is_filter_prelude
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class ObjectWrong(LateRule):
    """``object`` is not ``chat.completion.chunk`` (in legacy completions, not ``text_completion``).

    ## What OpenAI does
    Sends the same constant in every chunk. Azure leaves it empty in the chunks of its content filter, which carry no
    answer; where one of them has none at all, that counts, and is a warning where the others are right.

    ## Why it matters
    openai-python's ``.stream()`` drops every chunk whose ``object`` is another, without a word, and then fails an
    assertion or returns nothing (measured with 1.109 and 3.51 for a missing, an empty and a foreign value); where the
    finish chunk alone has another, it ends without a finish_reason. Other clients do not look. For legacy completions,
    which that helper does not serve, it is a warning.

    ## Repair
    The constant is written into every chunk; into the content filter's, empty text, as Azure does.
    """

    name = "object-wrong"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE
    variants = ("in every chunk", "in the finish chunk alone", "in some chunks")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._judged, self._bad = Spell(), Spell()
        self._answers, self._lost = Spell(), Spell()  # the same without the chunks of a content filter
        self._chat = ctx.api.name == api_names.CHAT
        self._expected = "chat.completion.chunk" if self._chat else "text_completion"

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, before = reading.chunk_of(event), self.ctx.seen.chunks
        owed = reading.owes_envelope(chunk)
        if not self._chat and any("text" not in choice for choice in reading.choices(chunk)):
            owed = False  # a chat chunk on a completions endpoint: completions-chat-shape
        value = chunk.get("object", "(absent)")
        lacks = value == "(absent)" and _tells_of_filter(chunk)
        self._answers.turn(owed, before)
        self._judged.turn(owed or lacks, before)
        wrong = owed and value != self._expected
        if self._lost.turn(wrong, before, value):
            self._lost.place, self._lost.value = self.keep(at, event, "object"), value
        if self._bad.turn(wrong or lacks, before, value):
            self._bad.place, self._bad.value = self.keep(at, event, "object"), value

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if self._bad.place is None:
            return
        if ctx.seen.chunks == 1 and ctx.streamed and reading.is_whole_completion(ctx.seen.first_chunk):
            return  # nonstream-json-for-stream
        told = self._lost if self._lost.place is not None else self._bad  # the first that should have the constant
        yield self.found_at(
            told.place,
            f"object is {self.values(self._bad)} {self.share(self._bad, self._judged)}",
            expected=self._expected if told is self._lost else '""',
            actual=told.value,
            severity=Severity.ERROR if self._chat and self._lost.place is not None else Severity.WARNING,
            variant=self._variant(self._lost.place),
        )

    def _variant(self, first: Place | None) -> str | None:
        """Which form of the deviation it is; None where a content filter's chunk alone lacks it, which nobody minds."""
        if first is None:
            return None
        seen = self.ctx.seen
        held = self._lost.chunks(seen.chunks)
        if held >= self._answers.chunks(seen.chunks):
            return "in every chunk"
        return "in the finish chunk alone" if held == 1 and first.at in seen.finish_at.values() else "in some chunks"


def _tells_of_filter(chunk: JsonObject) -> bool:
    """Whether a chunk has nothing but what Azure's content filter says, of the prompt or of the answer."""
    listed = reading.choices(chunk)
    return all(map(reading.is_filter_result, listed)) if listed else is_filter_prelude(chunk)
