"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import chunk_of

#: Members whose absence breaks somebody, and what they hold.
_ASKED: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}


class MessagesStartShape(MessagesRule):
    """``message_start`` does not hold a message as it should be: the object is missing, or its content, role or type.

    ## What Anthropic does
    Sends ``message`` with ``id``, ``type``, ``role``, ``content: []``, ``model``, ``stop_reason``,
    ``stop_sequence`` and ``usage``, in 4,059 of 4,059 streams.

    ## Why it matters
    With the members on the top level, or missing, the official SDKs, the AI SDK and LangChain JS raise; Claude Code
    asks again without streaming when they are on the top level. ``content: null`` makes the official SDKs raise.

    ## Repair
    The members are moved under ``message``; ``content: []``, role and type are added.
    """

    name = "messages-start-shape"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START
    variants = ("they are on the top level", "content is missing", "content is null")

    def event(self, at: int, event: StreamEvent) -> Findings:
        if self.again:
            return
        chunk = chunk_of(event)
        message = chunk.get("message")
        if type(message) is not dict:
            flat = any(key in chunk for key in ("role", "content", "model"))
            said = "has the message's members on the top level" if flat else "has no message"
            yield self.found(
                f"message_start {said}",
                at,
                path="message" if "message" in chunk else None,
                expected="message",
                actual=message,
                variant="they are on the top level" if flat else None,
            )
            return
        for key, wanted in _ASKED.items():
            value = message.get(key)
            if (type(value) is not list) if key == "content" else (value != wanted):
                missing = key not in message
                yield self.found(
                    f"the message has no {key}" if missing else f"{key} is {quote(value)}",
                    at,
                    path="message" if missing else f"message.{key}",
                    expected=wanted,
                    actual=value,
                    variant=self._form(key, message),
                )

    def _form(self, key: str, message: JsonObject) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        if key != "content" or message.get(key) is not None:
            return None
        return self.variants[2 if key in message else 1]
