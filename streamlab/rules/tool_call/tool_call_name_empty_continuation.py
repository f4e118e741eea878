"""See the class."""

from __future__ import annotations

from streamlab.expectations.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.repairs.tool_calls import ToolCalls
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_ABSENT = object()


class ToolCallNameEmptyContinuation(Rule):
    """Later fragments of a tool call carry a name that is null or ``""``.

    ## What OpenAI does
    Leaves the key out after the first fragment.

    ## Why it matters
    The openai-node ``.stream()`` helper of 7.x raises ("changed tool call identity"); 32 other measured clients
    read it as absent. gptel and spring-ai-alibaba were seen to break calls on it.

    ## Repair
    The key is dropped.
    """

    name = "tool-call-name-empty-continuation"
    severity = Severity.WARNING
    source = CHAT_CHUNK_TOOL_CALLS
    repair = Mend.SAFE
    mending = ToolCalls
    on = Fact.FRAGMENT

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            name = fragment.function.get("name", _ABSENT)
            if not fragment.opens and (name is None or name == "") and fragment.known_name:
                yield self.found(
                    f"a later fragment of the tool call has name {'null' if name is None else quote(name)}",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="(absent)",
                    actual=name,
                )
