"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import FOREIGN_USAGE, INPUT_TOKENS, OBSERVED_MESSAGES
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.usage import wiped_input
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object, chunk_of


class MessagesUsageInputZero(MessagesRule):
    """The input is said to have no tokens at all, at the start or at the end.

    ## What Anthropic does
    Says at least 1 in 4,059 of 4,059 streams; with a cache ``input_tokens`` may be 1 to 4.

    ## Why it matters
    Nobody corrects it: every client reports an input of 0, and Claude Code's context bar and compaction go by it.
    Where the number comes only at the end, LangChain JS stays at 0; where the end wipes it, most clients report 0.

    ## Repair
    The number of ``message_start`` is kept where ``message_delta`` wipes it. One that comes only at the end comes too
    late for the start.
    """

    name = "messages-usage-input-zero"
    severity = Severity.WARNING
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    of_some = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.START | MessageFact.MESSAGE_DELTA

    _place: Place | None = None
    _start: int | None = None
    _counts: JsonObject = {}  # noqa: RUF012 - replaced, never changed
    _end = 0

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        usage = as_object(
            (as_object(self.messages.message) if self.ctx.facts & MessageFact.START else chunk_of(event)).get("usage")
        )
        if not usage or (self.ctx.facts & MessageFact.START and self.again):
            return None
        if any(key in usage and usage.get(own) is None for key, own in FOREIGN_USAGE.items()):
            return None  # that they go by another name is another rule's affair
        counts = [usage[key] for key in INPUT_TOKENS if type(usage.get(key)) is int]
        if any(type(usage.get(key)) is str for key in INPUT_TOKENS):
            return None
        total = sum(counts)
        if self.ctx.facts & MessageFact.START:
            self._start, self._counts = total, {key: usage.get(key) for key in INPUT_TOKENS}
            self._place = self.keep(at, event, "message.usage.input_tokens")
            return None
        self._end = max(self._end, total)
        wiped = wiped_input(self._counts, usage)
        if not wiped:
            return None
        what = "the input had no tokens" if total == 0 else f"{wiped[0]} is 0"
        return (
            self.found(
                f"message_delta says that {what}, after message_start said otherwise",
                at,
                path=f"usage.{wiped[0]}" if wiped[0] in usage else "usage",
                expected=self._counts[wiped[0]],
                actual=0,
                repairability=Repairability.SAFE,
            ),
        )

    def end(self, ending: Ending) -> Findings:
        if self._start == 0:
            later = f"; message_delta says {self._end}" if self._end else ""
            yield self.found_at(
                self._place,
                f"message_start says that the input had no tokens{later}",
                expected=self._end or "1 or more",
                actual=0,
            )
