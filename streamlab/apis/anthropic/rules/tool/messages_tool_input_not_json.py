"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.inputs import InputFault, goes_on, is_cut
from streamlab.apis.anthropic.rules.base import ToolInputRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.arguments import read_arguments


class MessagesToolInputNotJson(ToolInputRule):
    """The input of a tool is no JSON, although its block is complete.

    An answer that stops at a limit may cut the last input, an error any that breaks off, and requests can ask for input
    that is sent as it is made: none of them is judged.

    ## What Anthropic does
    Sends an object in 1,279 of 1,279 inputs that are not empty. ``max_tokens`` never cut one in 62 answers.

    ## Why it matters
    The official SDKs hand out ``{}`` or the last part that can be read, LangChain a shortened value, without an
    exception; a tool runs on the wrong file. Claude Code refuses the call and tells the model.

    ## Repair
    None: braces are not closed, since nobody knows what is missing.
    """

    name = "messages-tool-input-not-json"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "arguments-no-json"
    repairability = Repairability.NONE
    fault = InputFault.NOT_JSON

    variants = ("it is cut", "something follows the object")

    def form(self, block: Block) -> str | None:
        text = str(block.text)
        return self.variants[0] if is_cut(text) else self.variants[1] if goes_on(text) else None

    def speaks(self, block: Block) -> bool:
        cut = self.messages.failed and read_arguments(str(block.text)).truncated  # by the error, stopped or not
        return not cut and not self.may_be_cut(block)

    def wrong(self, block: Block, text: str) -> str:
        return f"the input of {block.name or 'a tool'} is no JSON: {quote(text)}"
