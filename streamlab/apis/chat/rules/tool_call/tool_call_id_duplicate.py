"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run


class ToolCallIdDuplicate(Rule):
    """Two tool calls of one choice have the same id.

    ## What OpenAI does
    Gives every call an id of its own.

    ## Why it matters
    The results of both calls go back under one id, so the model cannot tell which is which, and OpenAI rejects the
    request. The openai-agents SDKs raise; the AI SDK gives the second call a new id. Ids made from the tool's name
    do this as soon as a tool is called twice.

    ## Repair
    The later call's id gets a suffix.
    """

    name = "tool-call-id-duplicate"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._owners: dict[tuple[int, str], Call] = {}

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            call_id, call = fragment.raw.get("id"), fragment.call
            if type(call_id) is not str or not call_id or call_id != call.id:
                continue
            owner = self._owners.setdefault((call.choice, call_id), call)
            if owner is not call:
                self._owners[call.choice, call_id] = call
                yield self.found(
                    f"the tool calls with index {owner.index} and {call.index} share the id {quote(call_id)}",
                    at,
                    path=f"{fragment.path}.id",
                    expected="an id of its own",
                    actual=call_id,
                )

    def passes(self, run: Run) -> bool:
        call_id, call = reading.fragment(run.template.chunk).get("id"), self.ctx.calls.growing(run)
        return not call_id or (call is not None and self._owners.get((call.choice, call_id)) is call)
