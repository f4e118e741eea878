"""See the class."""

from __future__ import annotations

from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import COMPLETIONS
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class CompletionsFinishNull(Rule):
    """Legacy completions say ``finish_reason: null`` before the end, which their schema does not allow.

    ## What OpenAI does
    Sends null in every chunk but the last, as in chat completions, although the schema of legacy completions lists
    strings only. The bytes win: this is never a deviation.

    ## Why it matters
    Clients generated from the schema have a type that cannot hold null and had to be mended by hand.

    ## Repair
    Null is kept.
    """

    name = "completions-finish-null"
    severity = Severity.INFO
    source = COMPLETIONS
    repairability = Repairability.NONE

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            if choice.get("finish_reason", "") is None:
                yield self.found(
                    "finish_reason is null before the end, as OpenAI sends it and its schema forbids",
                    at,
                    path=f"choices[{position}].finish_reason",
                )
