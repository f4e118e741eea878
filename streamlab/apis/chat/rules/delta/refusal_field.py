"""See the class."""

from __future__ import annotations

from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class RefusalField(Rule):
    """The model refuses, and says so in ``refusal`` instead of ``content``.

    ## What OpenAI does
    Streams a refusal in ``delta.refusal``; content stays null. This is no deviation.

    ## Why it matters
    Clients that read only content show an empty answer: LangChain, in Python and in JavaScript, loses a streamed
    refusal without a word, LiteLLM 1.110.2 too (of a whole answer it keeps it), and so do Agno, AutoGen, Haystack,
    Semantic Kernel and smolagents. The AI SDK makes it text.

    ## Repair
    Kept as it is.
    """

    name = "refusal-field"
    severity = Severity.INFO
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.NONE
    on = Fact.REFUSAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            refusal = reading.delta(choice).get("refusal")
            if refusal:
                self.retire()
                yield self.found(
                    f"the answer is a refusal, which begins {quote(refusal)}",
                    at,
                    path=f"choices[{position}].delta.refusal",
                    actual=refusal,
                )
                return
