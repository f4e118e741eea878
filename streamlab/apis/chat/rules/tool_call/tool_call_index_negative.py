"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.arguments import is_whole
from streamlab.wire.call_reader import Fragment
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIndexNegative(Rule):
    """The ``index`` of a tool call is negative, or no integer.

    ## What OpenAI does
    Counts calls with the integers 0, 1, 2.

    ## Why it matters
    A string is refused by the AI SDK and by typed clients. A negative index is no place of a list: openai-node's
    ``.stream()`` of 7.x raises ("invalid tool call index: -1"), that of 4.x loses the call, Agno and TensorZero raise
    (measured); openai-go reads -1 as 0.

    ## Repair
    Calls are numbered 0, 1, 2 in the order of their appearance.
    """

    name = "tool-call-index-negative"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = ("it is text", "it is text, in a call that is whole in one chunk", "it is a negative number")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            index = fragment.raw.get("index")
            if index is not None and (type(index) is not int or index < 0):
                yield self.found(
                    f"the index of the tool call is {quote(index)}",
                    at,
                    path=f"{fragment.path}.index",
                    expected="an integer from 0",
                    actual=index,
                    variant=self._variant(index, fragment),
                )

    def _variant(self, index: Any, fragment: Fragment) -> str | None:
        if type(index) is int:
            return self.variants[2]
        return self.variants[1 if is_whole(fragment) else 0] if type(index) is str else None
