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
    """The text is the JSON of a chunk: the server has wrapped its own chunk into another one.

    ## What OpenAI does
    Sends the model's text.

    ## Why it matters
    Early GLM-4 servers do this to the first chunk they make and lose the answer. No client raises: the user reads JSON.
    A model that was asked for an example writes it in many deltas; only a text that comes in one or two is judged.

    ## Repair
    None, the answer is not on the wire.
    """

    name = "content-is-nested-chunk"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    answer_fact = "nested"
    repairability = Repairability.NONE
    on = Fact.CONTENT

    _pieces = 0
    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        self._pieces += 1
        if self._place is None:
            for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
                if reading.content(reading.delta(choice)).lstrip().startswith("{"):
                    self._place = self.keep(at, event, f"choices[{position}].delta.content")
        if self._place is None or self._pieces > _FEW:
            self._place = None
            self.retire()

    def end(self, ending: Ending) -> Findings:
        if self._place is None:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content)
            if len(text) > _LONGEST or "chat.completion.chunk" not in text:
                continue
            nested = decode_payload(text.encode("utf-8", "surrogatepass")).value
            if type(nested) is dict and nested.get("object") == "chat.completion.chunk":
                yield self.found_at(
                    self._place,
                    f"the whole text of choice {state.index} is the JSON of a chunk",
                    expected="the model's text",
                    actual=text,
                )
                return
