"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STOP_REASONS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesStopReasonToolUseWithoutTool(MessagesRule):
    """``stop_reason`` is ``tool_use`` and there is no ``tool_use`` block.

    Once reported of api.anthropic.com itself, so it need not be a gateway's fault.

    ## What Anthropic does
    Says ``tool_use`` only with a ``tool_use`` block: 0 exceptions in 4,061 streams.

    ## Why it matters
    Claude Code asks three times and then says that the tool call could not be parsed; others pass it on, and agents
    loop or hang.

    ## Repair
    None: the call is not on the wire.
    """

    name = "messages-stop-reason-tool-use-without-tool"
    severity = Severity.ERROR
    source = MESSAGES_STOP_REASONS
    answer_fact = "calls-without-call"
    repairability = Repairability.NONE
    on = MessageFact.MESSAGE_DELTA | MessageFact.MISFIT | MessageFact.STRAY

    _place: Place | None = None

    _input = False  # a tool's input came, so that its block is what is missing

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & MessageFact.DELTA:
            block = self.messages.block
            meant = block is None or not block.opened or block.kind in ("text", "thinking")
            self._input = self._input or (meant and self.messages.delta == "input_json_delta")
        else:
            self._place = self.keep(at, event, "delta.stop_reason")

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if reader.told_reason == "tool_use" and not reader.client_tools and not reader.failed and not self._input:
            yield self.found_at(
                self._place,
                "stop_reason is tool_use, but no tool is called",
                expected="a tool_use block",
                actual="tool_use",
            )
