"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.markup import may_begin
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import CumulativeRule
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, as_object, chunk_of
from streamlab.wire.runs import Run


class MessagesTextCumulative(MessagesRule, CumulativeRule):
    """Every delta holds the whole text so far instead of what is new.

    ## What Anthropic does
    Sends in each delta what the model has added since the last one.

    ## Why it matters
    Every client joins the deltas, so the user reads ``HelloHello worldHello world, how``.

    ## Repair
    None.
    """

    name = "messages-text-cumulative"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    on = Fact.CONTENT

    _index: Any = None
    _markup = False

    def said(self, event: StreamEvent) -> tuple[str, str]:
        value = chunk_of(event)
        text = as_object(value.get("delta")).get("text")
        if type(text) is not str or not text:
            return "", ""
        block = self.messages.block
        index = value.get("index")
        if block is not None:
            index = block.number, block.open or block is self.messages.blocks[-1]
        if (
            index != self._index
        ):  # each block has a text of its own, and what comes behind the next block is another one
            self._index, self._last, self._markup = index, "", False
        self._markup = self._markup or may_begin(text)  # a call that leaked is none
        return "" if self._markup else text, "delta.text"

    def passes(self, run: Run) -> bool:
        return super().passes(run) and not may_begin(self._last)
