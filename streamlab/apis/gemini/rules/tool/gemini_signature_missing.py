"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.gemini.answers import answer_in
from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import Source
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact, as_list, as_object, chunk_of

_SIGNATURES = Source("Gemini API documentation", "Thought signatures", "https://ai.google.dev/gemini-api/docs/thinking")
#: Models that were there before signatures were asked for.
_OLDER = lazy_pattern(r"gemini-(?:1|2)\b|gemini-(?:1|2)[.-]|gemini-(?:pro|flash|ultra)\b")


class GeminiSignatureMissing(LateRule):
    """A call of Gemini's comes without ``thoughtSignature``.

    Told once an answer, where none of its calls has one, and not of models before Gemini 3.

    ## What Google does
    Signs the first call of every step; Gemini 3 answers 400 to a next turn that does not bring the signature back.

    ## Why it matters
    A gateway on the way lost it. The agent makes the call, sends the result, and is refused; nothing on this stream is
    wrong for the client that reads it.

    ## Repair
    None: a signature cannot be made.
    """

    name = "gemini-signature-missing"
    severity = Severity.INFO
    source = _SIGNATURES
    on = Fact.NO_CHOICES

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._place: Place | None = None
        self._called = ""

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, at_answer = answer_in(chunk_of(event))
        if _OLDER.search(str(chunk.get("modelVersion", ""))):
            self._place = None
            self.retire()
            return
        for path, part in _parts(chunk, at_answer):
            if part.get("thoughtSignature") or part.get("thought_signature"):
                self._place = None
                self.retire()
                return
            call = as_object(part.get("functionCall"))
            if call and self._place is None:
                self._place, self._called = self.keep(at, event, path), str(call.get("name"))

    def end(self, ending: Ending) -> Findings:
        if self._place is not None:
            yield self.found_at(
                self._place,
                f"the call of {quote(self._called)} has no thoughtSignature: Gemini 3 refuses the next turn without it",
                expected="thoughtSignature beside functionCall",
            )


def _parts(chunk: JsonObject, at_answer: str) -> Iterator[tuple[str, JsonObject]]:
    for number, candidate in enumerate(as_list(chunk.get("candidates"))):
        content = as_object(as_object(candidate).get("content"))
        for at, part in enumerate(as_list(content.get("parts"))):
            yield f"{at_answer}candidates[{number}].content.parts[{at}]", as_object(part)
