"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.inputs import InputFault
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import ToolInputRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity


class MessagesToolInputNotObject(ToolInputRule):
    """The input of a tool is null, a list or a single value.

    ## What Anthropic does
    Sends an object, always.

    ## Why it matters
    Most libraries pass it on as it is, llama-index raises, Claude Code refuses the call.

    ## Repair
    Null becomes ``{}``; anything else stays.
    """

    name = "messages-tool-input-not-object"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "arguments-no-json"
    repairability = Repairability.SAFE
    repair = MessageRepair
    fault = InputFault.NOT_OBJECT

    def lasts(self, block: Block) -> bool:
        return str(block.text).strip() != "null"

    variants = ("it is null", "it is a list")

    def form(self, block: Block) -> str | None:
        text = str(block.text).strip()
        return self.variants[0] if text == "null" else self.variants[1] if text.startswith("[") else None

    def wrong(self, block: Block, text: str) -> str:
        return f"the input of {block.name or 'a tool'} is {quote(text)}"
