"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.inputs import InputFault
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import ToolInputRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity


class MessagesToolInputEmptyObjectPrefix(ToolInputRule):
    """The input of a tool begins with ``{}``, and then comes the real one.

    ## What Anthropic does
    Begins with an empty fragment, ``""``, in 1,402 of 1,402 tool blocks.

    ## Why it matters
    Twelve of twelve libraries are wrong: anthropic-python gives ``{}``, anthropic-ts raises. Claude Code refuses
    the call.

    ## Repair
    The prefix is dropped.
    """

    name = "messages-tool-input-empty-object-prefix"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "arguments-prefixed"
    repairability = Repairability.SAFE
    repair = MessageRepair
    fault = InputFault.EMPTY_OBJECT_PREFIX

    def wrong(self, block: Block, text: str) -> str:
        return f"the input of {block.name or 'a tool'} begins with an empty object: {quote(text)}"
