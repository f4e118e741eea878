"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallNameRepeated(Rule):
    """The function's name stands in more than the first fragment of its call.

    ## What OpenAI does
    Sends the name once: repeated in 0 of 670 recorded streams with tool calls.

    ## Why it matters
    Names may be joined like arguments, and many clients do: ``get_wget_wget_w`` in openai-python's and
    openai-node's documented loop, LangChain (Python), pydantic-ai and openai-go. Such a tool does not exist.

    ## Repair
    Only the first fragment keeps it.
    """

    name = "tool-call-name-repeated"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = ("id and type are not", "id and type are repeated as well")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            name = fragment.function.get("name")
            if name and type(name) is str and name == fragment.known_name and not fragment.opens:
                yield self.found(
                    f"the name {quote(name)} is repeated in a later fragment of its call",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="no name after the first fragment",
                    actual=name,
                    variant=self.variants["id" in fragment.raw and "type" in fragment.raw],
                )
