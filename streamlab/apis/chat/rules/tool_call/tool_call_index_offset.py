"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.numbering import calls_of, has_calls_in_pieces, of_opened_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.arguments import is_whole
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIndexOffset(Rule):
    """Tool calls do not open with the indexes 0, 1, 2 in that order.

    ## What OpenAI does
    Numbers calls from 0 without gaps, and opens them in that order.

    ## Why it matters
    Helpers write to the place in their list that the index names, and it is not there: the openai-python ``.stream()``
    helper raises IndexError, openai-node's fails on ``undefined``. Gateways in front of Anthropic or Bedrock pass on
    the number of the content block, in which text before the call counts. Where a later call comes first, {clients:
    another order when call 1 comes before call 0} measured clients hand on the calls in that order. An index
    that counts the fragments of one call makes a call of each fragment in every client that goes by it.

    ## Repair
    Calls are renumbered in the order of their appearance.
    """

    name = "tool-call-index-offset"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    ends_after = on
    alike = True
    variants = (
        "a number is left out",
        "a number is left out before a call that is whole in one chunk",
        "call 1 comes before call 0",
        "it grows with every delta",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: dict[int, set[int]] = {}  # choice -> indexes that were opened
        self._found: list[tuple[Call, Finding]] = []

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            index, call = fragment.raw.get("index"), fragment.call
            if fragment.counted:
                yield self.found(
                    f"index {index} counts the fragments of one tool call",
                    at,
                    path=f"{fragment.path}.index",
                    expected=call.index,
                    actual=index,
                    variant="it grows with every delta",
                )
            if not fragment.opens or fragment.collides or type(index) is not int or index < 0:
                continue
            seen = self._opened.setdefault(call.choice, set())
            if index > len(seen):
                finding = self.found(
                    f"the tool call opens with index {index} where {len(seen)} is next",
                    at,
                    path=f"{fragment.path}.index",
                    expected=len(seen),
                    actual=index,
                    variant=self.variants[1 if is_whole(fragment) else 0],
                )
                self._found.append((call, self.placed(finding, event)))
            seen.add(index)

    def end(self, ending: Ending) -> Findings:
        if has_calls_in_pieces(self.ctx):
            opened = {call.index for call in calls_of(self.ctx)}
            if opened == set(range(len(opened))):
                return  # each call opens with its number, in a choice that had none before it
        for call, finding in of_opened_calls(self.ctx, self._found):
            if not call.ghost:
                late = finding.expected in self._opened[call.choice]
                yield changed(finding, variants=self.variants[2:3]) if late else finding
