"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.arguments_rule import ArgumentsRule
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.finding import Repairability
from streamlab.wire.arguments import ArgumentsFault, ends_again
from streamlab.wire.call_reader import Call


class ToolCallArgumentsDuplicated(ArgumentsRule):
    """The arguments of a tool call come more than once.

    ## What OpenAI does
    Sends every piece of the arguments once.

    ## Why it matters
    Pieces are joined, so the arguments become ``{…}{…}``: {clients: raises when the whole comes again at the end}
    measured clients raise, {count: wrong when the whole comes again at the end} have no valid call. Bridges from the
    Responses API send the deltas and then the whole text; others send in every piece all that came before. vLLM sent
    the end of them once more beside the finish.

    ## Repair
    One copy is kept.
    """

    name = "tool-call-arguments-duplicated"
    answer_fact = "arguments-twice"
    repairability = Repairability.SAFE
    repair = ToolCalls
    variants = ("the whole comes again at the end", "they are cumulative")
    fault = ArgumentsFault.DUPLICATED
    said = "come more than once"

    def variant_of(self, call: Call) -> str | None:
        text, last = str(call.arguments), call.last_piece
        if ends_again(text, last) and text != last * 2:
            return None  # no client was asked about their end alone
        # Two pieces that are alike are the whole twice, and would be cumulative too.
        return self.variants[1 if call.cumulative and call.pieces > 2 else 0]
