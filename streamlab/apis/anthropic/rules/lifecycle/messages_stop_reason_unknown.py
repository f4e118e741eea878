"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import (
    FOREIGN_STOP_REASONS,
    MESSAGES_STOP_REASONS,
    STOP_REASONS,
)
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of

#: How Anthropic words its reasons.
_OWN_WORD = lazy_pattern(r"[a-z]+(?:_[a-z]+)+")


class MessagesStopReasonUnknown(MessagesRule):
    """``stop_reason`` is a word that Anthropic does not use.

    A word of another API is a warning; one that looks like Anthropic's and is not known yet is only told.

    ## What Anthropic does
    Says ``end_turn`` (2,646 times), ``tool_use`` (1,304), ``max_tokens`` (62), ``stop_sequence`` (44) or
    ``pause_turn`` (1); ``refusal``, ``model_context_window_exceeded`` and ``compaction`` are
    documented.

    ## Why it matters
    The text is right in thirteen of thirteen clients, but the AI SDK says ``other``, pydantic-ai None, and loops
    that test for ``tool_use`` or ``end_turn`` stop or spin.

    ## Repair
    ``stop``, ``length``, ``tool_calls``, ``function_call`` and ``content_filter`` become what they mean here; any
    other word stays.
    """

    name = "messages-stop-reason-unknown"
    severity = Severity.WARNING
    source = MESSAGES_STOP_REASONS
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA

    def _lacks_a_call(self, meant: str) -> bool:
        """Whether the word means a call, and none came: then nobody is helped by the right word."""
        return meant == "tool_use" and not self.messages.client_tools

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reason = as_object(chunk_of(event).get("delta")).get("stop_reason")
        if reason in (None, "") or (type(reason) is str and reason in STOP_REASONS):
            return None
        meant = FOREIGN_STOP_REASONS.get(reason) if type(reason) is str else None
        new = meant is None and type(reason) is str and _OWN_WORD.fullmatch(reason) is not None
        return (
            self.found(
                f"stop_reason is {quote(reason)}",
                at,
                path="delta.stop_reason",
                expected=meant or "end_turn, tool_use, max_tokens or stop_sequence",
                actual=reason,
                severity=Severity.INFO if new else None,
                repairability=Repairability.NONE if meant is None or self._lacks_a_call(meant) else None,
            ),
        )
