"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STOP_REASONS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesStopReasonEndTurnWithTool(MessagesRule):
    """``stop_reason`` is ``end_turn`` although a tool is to be run.

    With tools that the server runs ``end_turn`` is right.

    ## What Anthropic does
    Says ``tool_use`` in 1,304 of 1,304 streams with a ``tool_use`` block, also when a tool was forced (379 of 379),
    where OpenAI says ``stop``.

    ## Why it matters
    Twelve of twelve libraries pass it on, and agents that go by it end. Claude Code 2.1.332 runs the tool, 2.1.198
    was reported to end.

    ## Repair
    It becomes ``tool_use``.
    """

    name = "messages-stop-reason-end-turn-with-tool"
    severity = Severity.WARNING
    source = MESSAGES_STOP_REASONS
    answer_fact = "stop-with-call"
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        self._place = self.keep(at, event, "delta.stop_reason")

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        called = [block for block in reader.client_tools if block.opened]
        if reader.told_reason == "end_turn" and called:
            name = called[0].name
            yield self.found_at(
                self._place,
                f"stop_reason is end_turn, but {name or 'a tool'} is called",
                expected="tool_use",
                actual="end_turn",
            )
