"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import BLOCK_TYPES, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import OWN_BLOCK, LateFormRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesDeltaTypeMismatch(LateFormRule):
    """A delta is of a type that does not belong into its block.

    ## What Anthropic does
    Sends ``text_delta`` and ``citations_delta`` into text, ``thinking_delta`` and ``signature_delta`` into
    thinking, ``input_json_delta`` into tools and ``compaction_delta`` into compaction, and nothing into results: 0
    exceptions in 4,061 streams.

    ## Why it matters
    The official SDKs drop the delta without a word: thinking or the whole text is lost, a tool gets ``{}``. The AI
    SDK and pydantic-ai raise, Claude Code throws the stream away and asks again without streaming.

    ## Repair
    A block that is still empty gets the type of its delta; else it is closed and one of the right type is opened.
    A delta with the index of a closed block goes to the open one that takes it. JSON in a text block stays otherwise: a
    tool's id and name are not on the wire.
    """

    name = "messages-delta-type-mismatch"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MISFIT
    variants = (
        "thinking_delta in text",
        "text_delta in thinking",
        "input_json_delta in text",
        "text_delta in tool_use",
    )

    def event(self, at: int, event: StreamEvent) -> None:
        reader = self.messages
        block = reader.index.addressed or reader.block
        if block is None:
            return
        stays = reader.delta == "input_json_delta" or not block.opened
        fitting = BLOCK_TYPES[block.kind].deltas if block.kind in BLOCK_TYPES else ()
        found = self.found(
            f"a {reader.delta} comes in a {block.kind} block",
            at,
            path="delta.type",
            expected=" or ".join(fitting) or "no delta",
            actual=reader.delta,
            repairability=Repairability.NONE if stays and reader.index.addressed is None else None,
        )
        self.later(found, event, (reader.delta, block.kind))

    def form_of(self, about: tuple[str, str]) -> str | None:
        """Clients were asked where no block of the delta's own type comes, and about text in a tool's input."""
        delta, kind = about
        elsewhere = any(block.kind == OWN_BLOCK.get(delta) for block in self.messages.blocks)
        return f"{delta} in {kind}" if not elsewhere or kind == "tool_use" else None
