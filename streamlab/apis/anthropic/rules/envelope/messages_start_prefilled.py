"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.envelope import whole_blocks
from streamlab.apis.anthropic.rules.base import LateFormRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_list, as_object, chunk_of


class MessagesStartPrefilled(LateFormRule):
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
    variants = ("content, and blocks follow", "content, and no block follows", "a stop_reason")

    def event(self, at: int, event: StreamEvent) -> None:
        value = chunk_of(event)
        path, message = ("message.", as_object(value["message"])) if "message" in value else ("", value)  # or flat
        if self.again:
            return
        content, reason = message.get("content"), message.get("stop_reason")
        if as_list(content):
            how = None if whole_blocks(as_list(content)) else Repairability.NONE
            said = "message_start holds content"
            found = self.found(said, at, path=f"{path}content", expected=[], actual=content, repairability=how)
            self.later(found, event)
        if reason is not None:
            said = f"message_start has stop_reason {quote(reason)}"
            found = self.found(said, at, path=f"{path}stop_reason", expected=None, actual=reason)
            self.later(found, event, reason)

    def form_of(self, about: Any) -> str | None:
        """Which form it is, by the stop_reason, where it is about one."""
        if about is not None:
            return self.variants[2] if type(about) is str else None
        return self.variants[0 if self.messages.blocks else 1]
