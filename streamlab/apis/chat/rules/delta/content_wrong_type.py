"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class ContentWrongType(Rule):
    """``delta.content`` is a number, a truth value or an object.

    ## What OpenAI does
    Sends a string or null, also where the text is JSON or a number. A list is ``content-array-parts``.

    ## Why it matters
    Joining it to a string raises in loops over openai-python, in LangChain and in both providers of the AI SDK; the
    ``.stream()`` helper of openai-python, LangChain.js, LiteLLM and pydantic-ai end with another text, measured.

    ## Repair
    A number is written as text. Anything else becomes JSON text only on request: it is a guess at what was meant.
    """

    name = "content-wrong-type"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.UNSAFE
    repair = DeltaShape

    on = Fact.MESSAGE | Fact.ERROR

    def shape(self, at: int, chunk: Chunk) -> Findings:
        return self._told(at, chunk.json, "delta")

    def event(self, at: int, event: StreamEvent) -> Findings:
        """A message in place of a delta becomes one, and choices beside an error a chunk of their own."""
        if isinstance(event, ErrorPayload):
            yield from self._told(at, event.json, "delta")
        if not any(map(reading.delta, reading.choices(reading.chunk_of(event)))):
            yield from self._told(at, reading.chunk_of(event), "message")

    def _told(self, at: int, chunk: JsonObject, key: str) -> Findings:
        for position, choice in enumerate(reading.choices(chunk)):
            text = reading.as_object(choice.get(key)).get("content")
            if text is not None and type(text) is not str and type(text) is not list:
                yield self.found(
                    f"content is {quote(text)}, no string",
                    at,
                    path=f"choices[{position}].{key}.content",
                    expected="a string",
                    actual=text,
                    repairability=Repairability.SAFE if type(text) in (int, float) else Repairability.UNSAFE,
                )
