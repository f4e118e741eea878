"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import DELTA_TYPES, EVENT_TYPES, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import as_object, chunk_of

#: Members with which it is a part of the answer under another name: who passes over it loses that.
_OF_THE_ANSWER = frozenset(("delta", "content_block", "message", "index"))
_SAID = frozenset(("text", "thinking", "signature", "partial_json", "name", "input", "data"))


class MessagesUnknownType(MessagesRule):
    """An event, a block or a delta is of a type that is not known here.

    A warning although the AI SDK raises: Anthropic adds types and asks clients to pass over those they do not know.

    ## What Anthropic does
    Sends six events, ``ping`` and ``error``, fifteen types of blocks and six of deltas. Compaction, the results of
    the advisor and of the tool search each came within a year.

    ## Why it matters
    The AI SDK 2 to 4 raises a validation error. Everybody else, Claude Code included, passes over it.

    ## Repair
    None without a guess. ``--unsafe`` drops events of no known type; blocks are never dropped.
    """

    name = "messages-unknown-type"
    severity = Severity.WARNING
    source = MESSAGES_STREAMING
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.UNKNOWN
    variants = ("an event's", "a block's", "a delta's")

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, chunk = self.messages, chunk_of(event)
        if reader.kind not in EVENT_TYPES:
            return (
                self.found(
                    f"an event of type {quote(reader.kind)}",
                    at,
                    path="type",
                    actual=reader.kind,
                    variant=None if _OF_THE_ANSWER & chunk.keys() else "an event's",
                ),
            )
        if self.ctx.facts & MessageFact.DELTA:
            if reader.delta in DELTA_TYPES:
                return None
            return (
                self.found(
                    f"a delta of type {quote(reader.delta)}",
                    at,
                    path="delta.type",
                    actual=reader.delta,
                    variant=None if _SAID & as_object(chunk.get("delta")).keys() else "a delta's",
                    repairability=Repairability.NONE,
                ),
            )
        kind = as_object(chunk.get("content_block")).get("type")
        if type(kind) is not str:
            return None  # a missing member is another rule's affair
        return (
            self.found(
                f"a block of type {quote(kind)}",
                at,
                path="content_block.type",
                actual=kind,
                variant=None if _SAID & as_object(chunk.get("content_block")).keys() else "a block's",
                repairability=Repairability.NONE,
            ),
        )
