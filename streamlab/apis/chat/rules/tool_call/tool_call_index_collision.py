"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.arguments import is_whole
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIndexCollision(Rule):
    """Two tool calls use the same ``index``.

    ## What OpenAI does
    Gives each parallel call an index of its own.

    ## Why it matters
    Fragments are joined by index, so two calls become one with arguments ``{…}{…}``: {clients: raises when both calls
    come whole with 0} measured clients raise on it, most of the others hand on a wrong call. Only clients that look at
    the id keep them apart.

    ## Repair
    The call with the new id gets the next index.
    """

    name = "tool-call-index-collision"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = ("both calls come whole with 0", "both calls have 0")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            if fragment.collides and fragment.raw.get("index") is not None:
                name = fragment.function.get("name")
                yield self.found(
                    f"another tool call ({quote(name)}) opens with index {fragment.call.index}, which is taken",
                    at,
                    path=f"{fragment.path}.index",
                    expected="the next index",
                    actual=fragment.raw.get("index"),
                    variant=self.variants[0 if is_whole(fragment) else 1],
                )
