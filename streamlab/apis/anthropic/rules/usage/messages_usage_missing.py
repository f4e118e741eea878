"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.envelope import said_output
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object, chunk_of


class MessagesUsageMissing(MessagesRule):
    """``message_start`` or ``message_delta`` has no ``usage``, or an empty one; or that of ``message_delta`` has no
    ``output_tokens``.

    All others may be missing: until August 2025, and on Vertex and Bedrock, ``message_delta`` has ``output_tokens``
    alone.

    ## What Anthropic does
    Sends both, in 4,059 and 4,057 streams.

    ## Why it matters
    Without it the official SDKs, the AI SDK, LangChain JS and pydantic-ai raise, and the answer is lost; at an
    empty one in ``message_delta`` the AI SDK raises. Claude Code 2.1.332 reads it, older ones raised.

    ## Repair
    Zeros are put in, and the account says so.
    """

    name = "messages-usage-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START | MessageFact.MESSAGE_DELTA
    variants = (
        "message_start has none",
        "that of message_start is null",
        "message_delta has none",
        "that of message_delta has no output_tokens",
    )

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, chunk = self.messages, chunk_of(event)
        start = bool(self.ctx.facts & MessageFact.START)
        if start and self.again:
            return None
        holder = as_object(reader.message) if start else chunk
        usage = holder.get("usage")
        if type(usage) is dict and usage:
            return None if start or said_output(usage) else (self._without_output(at, usage),)
        where = "message_start" if start else "message_delta"
        inside = "message" if start and type(chunk.get("message")) is dict else None
        missing = "usage" not in holder
        path = inside if missing else f"{inside}.usage" if inside else "usage"
        said = "no usage" if missing else f"usage {quote(holder['usage'])}"
        message = f"{where} has {said}"
        form = self._form(start, holder)
        return (self.found(message, at, path=path, expected="usage", actual=holder.get("usage"), variant=form),)

    def _form(self, start: bool, holder: JsonObject) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        if "usage" not in holder:
            return self.variants[0 if start else 2]
        if start:
            return self.variants[1] if holder["usage"] is None else None
        return self.variants[3] if holder["usage"] == {} else None

    def _without_output(self, at: int, usage: JsonObject) -> Finding:
        missing = "output_tokens" not in usage
        return self.found(
            "the usage of message_delta has no output_tokens" if missing else "output_tokens is null",
            at,
            path="usage" if missing else "usage.output_tokens",
            expected="an integer",
            actual=usage if missing else None,
            variant=self.variants[3] if missing else None,
        )
