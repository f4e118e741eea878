"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact

#: A model that writes an example of a chunk does it in many small deltas.
_FEW = 2
_LONGEST = 1 << 16


class ContentIsNestedChunk(LateRule):
    """The text is the JSON of a chunk, or an event with one: somebody wrapped what came into a chunk of his own.

    ## What OpenAI does
    Sends the model's text.

    ## Why it matters
    Early GLM-4 servers do this to the first chunk they make and lose the answer; gateways do it to every event when
    they take a stream for text. No client raises: the user reads JSON. A model that was asked for an example writes it
    in many deltas; judged is only a text that comes in one or two, or each delta of which is a chunk.

    ## Repair
    None, the answer is not on the wire.
    """

    name = "content-is-nested-chunk"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    answer_fact = "nested"
    repairability = Repairability.NONE
    on = Fact.CONTENT

    _pieces = _nested = 0
    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        self._pieces += 1
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            text = _bare(reading.content(reading.delta(choice)))
            if text.startswith("{"):
                self._place = self._place or self.keep(at, event, f"choices[{position}].delta.content")
                self._nested += _is_chunk(text)
        if self._place is None or (self._pieces > _FEW and self._nested < self._pieces):
            self._place = None
            self.retire()

    def end(self, ending: Ending) -> Findings:
        if self._place is None:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content)
            if self._nested == self._pieces or _is_chunk(_bare(text)):
                yield self.found_at(
                    self._place,
                    f"the whole text of choice {state.index} is the JSON of a chunk",
                    expected="the model's text",
                    actual=text[:_LONGEST],
                )
                return


def _bare(text: str) -> str:
    """A text without the field name of an event."""
    return text.lstrip().removeprefix("data:").lstrip()


def _is_chunk(text: str) -> bool:
    if len(text) > _LONGEST or "chat.completion.chunk" not in text:
        return False
    nested = decode_payload(text.encode("utf-8", "surrogatepass")).value
    return type(nested) is dict and nested.get("object") == "chat.completion.chunk"
