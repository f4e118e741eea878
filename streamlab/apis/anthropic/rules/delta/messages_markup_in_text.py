"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.leaks import leaked_call, markup_in_text


class MessagesMarkupInText(MessagesRule):
    """Special tokens of the model stand in the text.

    Told only where nothing else can be meant: a block that begins with the frame of a harmony message, or ends in a
    token that ends a turn.

    ## What Anthropic does
    Never sends special tokens.

    ## Why it matters
    The user is shown markup. The server's template or parser is made for another model.

    ## Repair
    None: where the token ends and the answer begins is a guess.
    """

    name = "messages-markup-in-text"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    answer_fact = "markup"
    on = MessageFact.BLOCK_STOP

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        block = self.messages.block
        if block is None or block.kind != "text" or self.ctx.facts & MessageFact.AGAIN:
            return None
        text = block.given + str(block.text)
        found = markup_in_text(text)
        leaked = leaked_call(text, self.ctx.tools) if found is not None and self.ctx.tools else None
        if found is None or (leaked and text.lstrip().startswith(leaked)):  # messages-tool-call-as-text tells
            return None
        where, markup = found
        return (self.found(f"the text {where} the model's own markup: {quote(markup)}", at, actual=markup),)
