"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA

_FEWEST_DELTAS = 10
_SHORTEST = 60
_LETTERS = 0.9
_MARKS = ".,;!?"


class ContentLostWhitespace(Rule):
    """A text in Latin letters has not one space or newline in it.

    ## What OpenAI does
    Sends the text as the model made it; words mostly begin with their space.

    ## Why it matters
    Servers and gateways that strip each token (or each read) glue words together and destroy indentation, and nothing
    on the wire says so. Only a whole text without any blank, in many deltas, almost all letters and with the marks of
    prose, is proof within one exchange; a partial loss shows when the streamed text is compared with the one that is
    not streamed.

    ## Repair
    None, the blanks are not on the wire.
    """

    name = "content-lost-whitespace"
    severity = Severity.WARNING
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def end(self, ending: Ending) -> Findings:
        if self.ctx.seen.content_events < _FEWEST_DELTAS:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content)
            if len(text) < _SHORTEST or any(map(str.isspace, text)):
                continue
            letters = sum(map(str.isalpha, filter(str.isascii, text)))
            marks = sum(map(text.count, _MARKS))
            if letters >= _LETTERS * len(text) and marks >= 2:
                yield self.found(
                    f"the text of choice {state.index} has no blank in {len(text)} characters: {quote(text)}",
                    self.ctx.seen.first_content_at,
                    expected="words with blanks between them",
                    actual=text,
                )
                return
