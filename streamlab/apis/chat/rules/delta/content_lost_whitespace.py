"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.text_places import begin_of
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_FEWEST_DELTAS = 10
_SHORTEST = 60
_LETTERS = 0.9
_MARKS = ".,;!?"
#: A sentence is shorter; then words that never stand inside others have to be deltas of their own.
_FEWEST_OF_A_SENTENCE, _SHORTEST_SENTENCE, _SMALL_WORDS = 5, 16, 3
_WORDS = frozenset(
    (
        *(
            "the",
            "and",
            "is",
            "are",
            "was",
            "you",
            "your",
            "my",
            "me",
            "it",
            "this",
            "that",
            "with",
            "have",
            "has",
            "for",
        ),
        *(
            "there",
            "here",
            "from",
            "will",
            "can",
            "would",
            "what",
            "how",
            "not",
            "but",
            "we",
            "they",
            "of",
            "to",
            "in",
            "on",
        ),
        *("friend", "today", "help", "hello", "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "ich", "sie"),
        *("le", "la", "les", "et", "est", "une", "el", "los", "las", "que", "por", "para", "con"),
    )
)


class ContentLostWhitespace(LateRule):
    """A text in Latin letters has not one space or newline in it.

    ## What OpenAI does
    Sends the text as the model made it; words mostly begin with their space.

    ## Why it matters
    Servers and gateways that strip each token (or each read) glue words together and destroy indentation, and nothing
    on the wire says so: every client holds the glued text. Only a whole text without any blank is proof within one
    exchange: in many deltas, almost all letters and with the marks of prose; or, in a single sentence, with several
    small words that are deltas of their own. A partial loss shows when the streamed text is compared with the one that
    is not streamed.

    ## Repair
    None, the blanks are not on the wire.
    """

    name = "content-lost-whitespace"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    answer_fact = "blanks-lost"
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._small: dict[int, set[str]] = {}  # choice -> small words that were a delta

    def event(self, at: int, event: StreamEvent) -> None:
        for choice in reading.choices(reading.chunk_of(event)):
            text = reading.content(reading.delta(choice)) or choice.get("text")
            if type(text) is not str:
                continue
            if any(map(str.isspace, text)):
                self.retire()  # a blank came through
                self._small.clear()
                return
            if text.lower() in _WORDS:
                self._small.setdefault(reading.choice_index(choice), set()).add(text.lower())

    def passes(self, run: Run) -> bool:
        text = run.text
        return text.split(None, 1) == [text] and _WORDS.isdisjoint(map(str.lower, run.texts))

    def odd(self, run: Run) -> int | None:
        texts = enumerate(run.texts)
        return next((number for number, one in texts if one.lower() in _WORDS or any(map(str.isspace, one))), None)

    def end(self, ending: Ending) -> Findings:
        if self.retired or self.ctx.seen.content_events < _FEWEST_OF_A_SENTENCE:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content)
            if not text or any(map(str.isspace, text)):
                continue
            letters = sum(map(str.isalpha, filter(str.isascii, text)))
            if letters < _LETTERS * len(text):
                continue
            marks = sum(map(text.count, _MARKS))
            prose = len(text) >= _SHORTEST and marks >= 2 and self.ctx.seen.content_events >= _FEWEST_DELTAS
            sentence = len(text) >= _SHORTEST_SENTENCE and len(self._small.get(state.index, ())) >= _SMALL_WORDS
            if prose or sentence:
                yield self.found_at(
                    begin_of(self.ctx, (state.index, "content")),
                    f"the text of choice {state.index} has no blank in {len(text)} characters: {quote(text)}",
                    expected="words with blanks between them",
                    actual=text,
                )
                return
