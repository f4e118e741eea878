"""See the class."""

from __future__ import annotations

from streamlab.apis.gemini.answers import answer_in
from streamlab.apis.gemini.expectations import GEMINI_OBSERVED
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact, as_list, as_object, chunk_of


class GeminiFinishMissing(LateRule):
    """A stream of Gemini's ends without a ``finishReason``.

    A prompt that was blocked has none, and neither has a stream that an error ends.

    ## What Google does
    Says ``finishReason`` in the last chunk of 86 of 86 recorded streams.

    ## Why it matters
    Nobody can tell a whole answer from half of one; what translates the stream has no finish_reason to send.

    ## Repair
    None: why it stopped is not on the wire.
    """

    name = "gemini-finish-missing"
    severity = Severity.WARNING
    source = GEMINI_OBSERVED
    answer_fact = "unfinished"
    on = Fact.NO_CHOICES | Fact.ERROR

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, at_answer = answer_in(chunk_of(event))
        candidates = [as_object(one) for one in as_list(chunk.get("candidates"))]
        said = any(one.get("finishReason") for one in candidates)
        blocked = as_object(chunk.get("promptFeedback")).get("blockReason")
        if said or blocked or type(event) is ErrorPayload:
            self._place = None
            self.retire()
        elif candidates:
            self._place = self.keep(at, event, f"{at_answer}candidates[0]")

    def end(self, ending: Ending) -> Findings:
        if self._place is not None and ending is Ending.COMPLETE:
            yield self.found_at(self._place, "the stream ends without a finishReason", expected="STOP")
