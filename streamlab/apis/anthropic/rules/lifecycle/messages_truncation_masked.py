"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesTruncationMasked(MessagesRule):
    """An answer says ``end_turn`` and that it has no output at all, although it has text: somebody closed a cut
    stream.

    A guess by its nature: some translators never count.

    ## What Anthropic does
    Says at the end how many tokens it put out, more than 0 in 4,057 of 4,057 streams.

    ## Why it matters
    Thirteen of thirteen clients take half an answer as whole.

    ## Repair
    None: whether anything is missing is not on the wire.
    """

    name = "messages-truncation-masked"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    on = MessageFact.MESSAGE_DELTA

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        self._place = self.keep(at, event, "usage.output_tokens")

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if reader.told_reason == "end_turn" and reader.usage.get("output_tokens") == 0 and reader.text:
            yield self.found_at(
                self._place,
                f"end_turn after {len(reader.text)} characters, with 0 output tokens: the answer may have been cut",
                expected="more than 0",
                actual=0,
            )
