"""See the class."""

from __future__ import annotations

from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import COMPLETIONS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class CompletionsTextOffset(Rule):
    """``text_offset`` does not go on from chunk to chunk.

    Told where the offset of a token is not behind those before it, although text lies between them.

    ## What OpenAI does
    Counts the characters from the beginning of the text, whichever chunk a token comes in.

    ## Why it matters
    Evaluation harnesses find by the offsets which tokens belong to the prompt, and which to a word of the answer; where
    every chunk starts at 0 again they score the wrong tokens and say nothing.

    ## Repair
    None: what a server counted is not on the wire.
    """

    name = "completions-text-offset"
    severity = Severity.WARNING
    source = COMPLETIONS
    on = Fact.LOGPROBS

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._last: dict[int, tuple[int, int]] = {}  # choice -> last offset, and the length of the text so far

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            listed = reading.as_list(reading.as_object(choice.get("logprobs")).get("text_offset"))
            text, index = choice.get("text"), reading.choice_index(choice)
            offsets = [one for one in listed if type(one) is int]
            if not offsets or not isinstance(text, str):
                continue
            before = self._last.get(index)
            if before is not None and text and offsets[0] <= before[0] and before[1]:
                self.retire()
                path = f"choices[{position}].logprobs.text_offset"
                message = f"text_offset is {offsets[0]} after {before[0]}, with text between them"
                yield self.found(message, at, path=path, expected="more than before", actual=listed)
                return
            self._last[index] = (offsets[-1], len(text))
