"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import BLOCK_TYPES, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent

_ASKED = frozenset({"text", "thinking", "input"})


class MessagesBlockStartMemberMissing(MessagesRule):
    """``content_block_start`` lacks the ``text``, ``thinking`` or ``input`` of its block, or has one of another type.

    Thinking without ``signature`` alone is read by everybody.

    ## What Anthropic does
    Opens text with ``text``, thinking with ``thinking`` and ``signature``, tools with ``id``, ``name`` and ``input:
    {}``, always.

    ## Why it matters
    Without ``text`` anthropic-python, the AI SDK and LiteLLM raise; without ``thinking`` pydantic-ai as well, and
    anthropic-ts begins it with ``undefined``; without ``input`` llama-index raises, and the AI SDK at an ``input``
    that is a string.

    ## Repair
    The empty member is added.
    """

    name = "messages-block-start-member-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START
    variants = (
        *(f"{member} is {how}" for member in ("text", "thinking", "input") for how in ("missing", "null")),
        "input is a string",
    )

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block, start = self.opened(), self.block_of(event)
        if block is None:
            return None
        if not block.kind:
            none = Repairability.NONE
            said = "content_block has no type"
            return (self.found(said, at, path="content_block", expected="type", actual=start, repairability=none),)
        known = BLOCK_TYPES.get(block.kind)
        for member, kinds in known.members if known is not None else ():
            if member in _ASKED and not isinstance(start.get(member), kinds):
                missing = member not in start
                said = f"a {block.kind} block has no {member}" if missing else f"{member} is {quote(start[member])}"
                path = "content_block" if missing else f"content_block.{member}"
                how = "missing" if missing else "null" if start[member] is None else "a string"
                variant = f"{member} is {how}" if type(start.get(member)) in (str, type(None)) else None
                return (
                    self.found(
                        said,
                        at,
                        path=path,
                        expected={} if member == "input" else "",
                        actual=start.get(member),
                        variant=self.form_asked(variant),
                    ),
                )
        return None
