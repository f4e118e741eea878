"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIdRepeated(Rule):
    """The id of a tool call stands in more than its first fragment.

    ## What OpenAI does
    Sends it once: repeated in 0 of 670 recorded streams with tool calls.

    ## Why it matters
    Accumulators that join strings make ``call_Acall_Acall_A`` of it: the openai-python ``.stream()`` helper and
    langchain4j did; {clients: any} measured clients end with a wrong id or none. Sent back, OpenAI rejects an id longer
    than 40 characters.

    ## Repair
    Only the first fragment keeps it.
    """

    name = "tool-call-id-repeated"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            call_id = fragment.raw.get("id")
            if call_id and fragment.known_id == call_id and not fragment.opens:
                yield self.found(
                    f"the id {quote(call_id)} is repeated in a later fragment of its call",
                    at,
                    path=f"{fragment.path}.id",
                    expected="no id after the first fragment",
                    actual=call_id,
                )
