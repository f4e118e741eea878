"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class ChoiceIndexMissing(Rule):
    """A choice has no ``index``, or one that is no integer.

    ## What OpenAI does
    Numbers every choice, with 0 where there is only one.

    ## Why it matters
    Both ``.stream()`` helpers (openai-python, openai-node), the AI SDK's openai provider, openai-agents and BAML raise,
    and openai-node 4 hangs, measured. For legacy completions, which no helper accumulates, it is a warning.

    ## Repair
    0, where the chunks hold one choice; with several choices nobody can tell them apart.
    """

    name = "choice-index-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = ChoiceShape
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def shape(self, at: int, chunk: Chunk) -> Findings:
        choices = reading.choices(chunk.json)
        for position, choice in enumerate(choices):
            index = choice.get("index", "(absent)")
            if type(index) is not int:
                yield self.found(
                    "a choice has no index" if index == "(absent)" else f"the index of a choice is {quote(index)}",
                    at,
                    path=f"choices[{position}].index",
                    expected=0,
                    actual=index,
                    severity=Severity.ERROR if self.ctx.api.name == api_names.CHAT else Severity.WARNING,
                    repairability=Repairability.SAFE if len(choices) == 1 else Repairability.NONE,
                )
