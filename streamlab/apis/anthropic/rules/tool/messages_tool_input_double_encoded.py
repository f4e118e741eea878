"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.inputs import InputFault
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import ToolInputRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity


class MessagesToolInputDoubleEncoded(ToolInputRule):
    """The input of a tool is a JSON string that holds JSON.

    ## What Anthropic does
    Sends an object.

    ## Why it matters
    Most libraries hand out a string, LangChain loses the call, llama-index alone decodes it; Claude Code
    refuses it.

    ## Repair
    It is decoded once.
    """

    name = "messages-tool-input-double-encoded"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "arguments-encoded-twice"
    repairability = Repairability.SAFE
    repair = MessageRepair
    fault = InputFault.DOUBLE_ENCODED

    def wrong(self, block: Block, text: str) -> str:
        return f"the input of {block.name or 'a tool'} is JSON inside a string: {quote(text)}"
