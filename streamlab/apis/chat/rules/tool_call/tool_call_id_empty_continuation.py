"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_ABSENT = object()


class ToolCallIdEmptyContinuation(Rule):
    """Later fragments of a tool call carry an id that is null or ``""``.

    ## What OpenAI does
    Leaves the key out after the first fragment.

    ## Why it matters
    Null is read as absent by {clients: none when it is null} measured clients, and only told. ``""`` replaces the id in
    Haystack, and opens another call in TensorZero; Spring AI 1.0 merged such fragments wrongly.

    ## Repair
    The key is dropped.
    """

    name = "tool-call-id-empty-continuation"
    severity = Severity.WARNING
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = ("it is empty text", "it is null")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            call_id = fragment.raw.get("id", _ABSENT)
            if not fragment.opens and (call_id is None or call_id == "") and fragment.known_id:
                yield self.found(
                    f"a later fragment of the tool call has id {'null' if call_id is None else quote(call_id)}",
                    at,
                    path=f"{fragment.path}.id",
                    expected="(absent)",
                    actual=call_id,
                    severity=Severity.INFO if call_id is None else Severity.WARNING,
                    variant=self.variants[1 if call_id is None else 0],
                )
