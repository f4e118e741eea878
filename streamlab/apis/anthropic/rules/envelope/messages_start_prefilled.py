"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.envelope import whole_blocks
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_list, as_object, chunk_of


class MessagesStartPrefilled(MessagesRule):
    """``message_start`` holds content or a ``stop_reason`` already.

    ## What Anthropic does
    Opens with ``content: []`` and ``stop_reason: null`` in 4,059 of 4,059 streams.

    ## Why it matters
    The AI SDK 3 and 4 raise at content; of a ``stop_reason`` LangChain JS makes ``end_turnend_turn``.

    ## Repair
    Both are emptied: the blocks follow. Content that never follows as blocks becomes some.
    """

    name = "messages-start-prefilled"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START
    variants = ("content", "a stop_reason")

    def event(self, at: int, event: StreamEvent) -> Findings:
        value = chunk_of(event)
        path, message = ("message.", as_object(value["message"])) if "message" in value else ("", value)  # or flat
        if self.again:
            return
        if as_list(message.get("content")):
            yield self.found(
                "message_start holds content",
                at,
                path=f"{path}content",
                expected=[],
                actual=message["content"],
                repairability=None if whole_blocks(as_list(message["content"])) else Repairability.NONE,
                variant="content",
            )
        if message.get("stop_reason") is not None:
            yield self.found(
                f"message_start has stop_reason {quote(message['stop_reason'])}",
                at,
                path=f"{path}stop_reason",
                expected=None,
                actual=message["stop_reason"],
                variant="a stop_reason",
            )
