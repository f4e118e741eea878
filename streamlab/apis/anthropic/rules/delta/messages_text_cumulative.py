"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.markup import may_begin
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, as_object, chunk_of
from streamlab.wire.runs import Run

_GROWTHS, _SHORTEST = 2, 8


class MessagesTextCumulative(MessagesRule):
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
    _last = ""
    _growths = 0
    _markup = False
    _place: Place | None = None
    _there = ""  # the text at that place

    def event(self, at: int, event: StreamEvent) -> None:
        """Follows the text; one delta that does not repeat the one before settles it."""
        value = chunk_of(event)
        text = as_object(value.get("delta")).get("text")
        if type(text) is not str or not text:
            return
        block = self.messages.block
        index = value.get("index") if block is None else block.number
        if index != self._index:
            self._index, self._last, self._markup = index, "", False  # each block has a text of its own
        self._markup = self._markup or may_begin(text)  # a call that leaked is none
        if self._markup:
            return
        if not text.startswith(self._last):
            self._growths = 0
            self.retire()
            return
        if self._last and len(text) > len(self._last):
            self._growths += 1
            if self._place is None:
                self._place, self._there = self.keep(at, event, "delta.text"), text
        self._last = text

    def passes(self, run: Run) -> bool:
        """The same text again and again settles nothing."""
        return run.texts.count(self._last) == len(run.texts) and not may_begin(self._last)

    def end(self, ending: Ending) -> Findings:
        if self._growths >= _GROWTHS and len(self._last) >= _SHORTEST:
            said = f"each delta repeats the whole text so far, up to {quote(self._last)}"
            yield self.found_at(self._place, said, expected="what is new", actual=self._there)
