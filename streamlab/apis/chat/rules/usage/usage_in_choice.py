"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import Closing
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class UsageInChoice(LateRule):
    """Usage comes inside a choice (Moonshot) or inside ``x_groq``.

    ## What OpenAI does
    Sends usage at the top level of a chunk of its own.

    ## Why it matters
    No measured client but pi reads it there; the tokens are never counted. Where usage comes at the top level as well,
    nothing is lost: inside a choice it is only noted then, and inside ``x_groq`` not even that. Who did not ask for
    usage loses none of it that stands in ``x_groq``.

    ## Repair
    Lifted into a usage chunk at the end.
    """

    name = "usage-in-choice"
    severity = Severity.WARNING
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.SAFE
    repair = Closing
    # x_groq comes with the first chunk, the finish chunk or one without choices.
    on = Fact.USAGE | Fact.FINISH | Fact.NO_CHOICES
    variants = ("it stands in a choice", "it stands in x_groq alone")

    _choice: Place | None = None
    _vendor: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if self._choice is None:
            for position, choice in enumerate(reading.choices(chunk)):
                if choice.get("usage") is not None:
                    self._choice = self.keep(at, event, f"choices[{position}].usage")
        if self._vendor is None and reading.as_object(chunk.get("x_groq")).get("usage") is not None:
            self._vendor = self.keep(at, event, "x_groq.usage")

    def end(self, ending: Ending) -> Findings:
        lost = self.ctx.accumulator.usage is None
        if self._choice is not None:
            severity = Severity.WARNING if lost else Severity.INFO
            yield self.found_at(
                self._choice,
                "usage comes inside a choice",
                expected="usage at the top level",
                severity=severity,
                variant=self.variants[0] if lost else None,
            )
        if self._vendor is not None and lost:
            # Who did not ask for usage gets no chunk of it, and has lost nothing.
            asked = self.ctx.include_usage is not False
            repairability = Repairability.SAFE if asked else Repairability.NONE
            yield self.found_at(
                self._vendor,
                "usage comes only inside x_groq",
                expected="usage at the top level",
                severity=Severity.WARNING if asked else Severity.INFO,
                repairability=repairability,
                variant=self.variants[1],
            )
