"""See the class."""

from __future__ import annotations

from streamlab.apis.gemini.answers import answer_in
from streamlab.apis.gemini.expectations import GEMINI_OBSERVED
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact, as_list, as_object, chunk_of

#: Members of a part that say nothing by themselves.
_SILENT = frozenset({"thought", "thoughtSignature"})


class GeminiAnswerEmpty(LateRule):
    """A stream of Gemini's stops well and holds nothing: no part but empty text.

    Silent where the usage counts tokens of the answer: a stop sequence took them. Thoughts are something.

    ## What Google does
    Answers: none of 86 recorded streams is empty. People report such answers of Gemini 2.5 and 3 from long runs of
    agents.

    ## Why it matters
    Nobody raises: an agent has no text and no call, and stops or asks again at the user's cost. Clients that index
    ``parts[0]`` raise.

    ## Repair
    None: there is nothing to repair. Asking again often helps.
    """

    name = "gemini-answer-empty"
    severity = Severity.WARNING
    source = GEMINI_OBSERVED
    answer_fact = "empty"
    on = Fact.NO_CHOICES | Fact.ERROR

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, at_answer = answer_in(chunk_of(event))
        if type(event) is ErrorPayload or _says_something(chunk):
            self._place = None
            self.retire()
            return
        for number, one in enumerate(as_list(chunk.get("candidates"))):
            if as_object(one).get("finishReason") == "STOP":
                self._place = self.keep(at, event, f"{at_answer}candidates[{number}]")

    def end(self, ending: Ending) -> Findings:
        if self._place is not None and ending is Ending.COMPLETE:
            yield self.found_at(self._place, "the stream stops with STOP and holds nothing", expected="a part")


def _says_something(chunk: JsonObject) -> bool:
    """Whether a chunk holds a part with something in it, or counts tokens of the answer."""
    made = as_object(chunk.get("usageMetadata")).get("candidatesTokenCount")
    contents = (as_object(as_object(one).get("content")) for one in as_list(chunk.get("candidates")))
    parts = (as_object(part) for content in contents for part in as_list(content.get("parts")))
    return (type(made) is int and made > 0) or any(
        value not in ("", None) for part in parts for key, value in part.items() if key not in _SILENT
    )
