"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class ChoiceDeltaMissing(Rule):
    """A choice has no ``delta``, or one that is null.

    ## What OpenAI does
    Sends a delta in every choice, ``{}`` in the finish chunk. A choice with ``message`` or ``text`` in its place, and
    one with nothing but a verdict of Azure's content filter, have rules of their own.

    ## Why it matters
    ``choice.delta.content`` raises in the loops that openai-python and openai-node document and in openai-python's
    ``.stream()``; LangChain (Python and JS), LlamaIndex and pydantic-ai lose the finish_reason, measured.

    ## Repair
    An empty delta.
    """

    name = "choice-delta-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = ChoiceShape
    variants = ("it is the finish chunk's", "the answer goes on")

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            inner = choice.get("delta", "(absent)")
            if type(inner) is dict or reading.is_filter_result(choice):
                continue
            if choice.get("message") is None and choice.get("text") is None:
                yield self.found(
                    "a choice has no delta" if inner == "(absent)" else f"the delta of a choice is {quote(inner)}",
                    at,
                    path=f"choices[{position}].delta",
                    expected={},
                    actual=inner,
                    variant="the answer goes on"
                    if reading.finish_reason(choice) is None
                    else "it is the finish chunk's",
                )
