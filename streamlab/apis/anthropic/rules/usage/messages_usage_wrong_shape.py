"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.anthropic.expectations import FOREIGN_USAGE, MESSAGES_STREAMING, OPENAI_USAGE, USAGE_TOKENS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.usage import integer
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of

_EVENTS = ("message_start", "message_delta")


class MessagesUsageWrongShape(MessagesRule):
    """Usage goes by OpenAI's names, or its counts are no integers.

    Other members beside the right ones are no harm.

    ## What Anthropic does
    Sends integers as ``input_tokens`` and ``output_tokens``.

    ## Why it matters
    The AI SDK raises at both. Under other names the rest count 0 or None; of strings LangChain JS makes
    ``250000000``, LiteLLM 0, Claude Code ``012``.

    ## Repair
    Names and numbers become Anthropic's.
    """

    name = "messages-usage-wrong-shape"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START | MessageFact.MESSAGE_DELTA
    variants = (
        *(f"OpenAI's names in {event}" for event in _EVENTS),
        *(f"{key} is a string in {event}" for event in _EVENTS for key in ("input_tokens", "output_tokens")),
    )

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = chunk_of(event)
        start = bool(self.ctx.facts & MessageFact.START)
        holder = as_object(chunk.get("message")) or chunk if start else chunk
        path = "message.usage" if start and "message" in chunk else "usage"
        usage = as_object(holder.get("usage"))
        for foreign, own in FOREIGN_USAGE.items():
            if usage.get(foreign) is not None and usage.get(own) is None:
                yield self._of(
                    at, f"{path}.{foreign}", f"usage has {foreign} and no {own}", own, usage[foreign], foreign
                )
        for key in USAGE_TOKENS:
            value = usage.get(key)
            if value is not None and type(value) is not int:
                yield self._of(at, f"{path}.{key}", f"{key} is {quote(value)}", "an integer", value)

    def _of(self, at: int, path: str, message: str, expected: str, actual: Any, foreign: str = "") -> Finding:
        event = _EVENTS[not self.ctx.facts & MessageFact.START]
        told = f"{path.rpartition('.')[2]} is a string in {event}" if type(actual) is str else None
        form = f"OpenAI's names in {event}" if foreign in OPENAI_USAGE else told
        variant = self.form_asked(form)
        how = None if integer(actual) is not None else Repairability.NONE
        found = {"path": path, "expected": expected, "actual": actual, "variant": variant, "repairability": how}
        return self.found(message, at, **found)
