"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallIdUnstable(Rule):
    """The fragments of one tool call have different ids.

    ## What OpenAI does
    Sends the id once, in the first fragment; later fragments have only ``index`` and ``function.arguments``.

    ## Why it matters
    Nobody knows under which id the tool's result has to be sent back. {clients: other call ids} measured clients end up
    with a wrong id, LangChain (Python and JavaScript) and the openai-agents SDK with several broken calls in place of
    one. GLM-4's server makes up a new random ``call_…`` for every fragment.

    Parallel calls have different ids too, under different indexes; where they share an index and each has a name,
    tool-call-index-collision speaks.

    ## Repair
    The first id stays; later fragments lose theirs.
    """

    name = "tool-call-id-unstable"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            call_id = fragment.raw.get("id")
            if type(call_id) is str and call_id and fragment.known_id and call_id != fragment.known_id:
                yield self.found(
                    f"the id of the tool call was {quote(fragment.known_id)} and is now {quote(call_id)}",
                    at,
                    path=f"{fragment.path}.id",
                    expected="no id after the first fragment",
                    actual=call_id,
                )
