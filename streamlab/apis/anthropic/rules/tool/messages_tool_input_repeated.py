"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.inputs import InputFault, grows
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import ToolInputRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity


class MessagesToolInputRepeated(ToolInputRule):
    """The input of a tool is sent twice, or each piece holds all of it so far.

    ## What Anthropic does
    Sends pieces that make the input when they are joined.

    ## Why it matters
    Where it grows, twelve of twelve libraries and Claude Code are wrong; where it comes twice, anthropic-ts raises,
    and the AI SDK, LangChain JS, pydantic-ai and LiteLLM are wrong.

    ## Repair
    The one object is kept.
    """

    name = "messages-tool-input-repeated"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "arguments-twice"
    repairability = Repairability.SAFE
    repair = MessageRepair
    fault = InputFault.REPEATED
    variants = ("each piece holds all so far", "it is sent twice")

    def form(self, block: Block) -> str:
        return self.variants[0 if grows(block) else 1]

    def wrong(self, block: Block, text: str) -> str:
        return f"the input of {block.name or 'a tool'} is sent more than once: {quote(text)}"
