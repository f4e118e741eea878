"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STOP_REASONS
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.repairs.closing import whole
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesStopReasonMissing(MessagesRule):
    """The message stops without saying why: no ``message_delta`` has a ``stop_reason``.

    ## What Anthropic does
    Sends one ``message_delta`` with a ``stop_reason`` in 4,057 of 4,057 streams that came to their end. One that an
    ``error`` ends has none.

    ## Why it matters
    Every client but LiteLLM, which raises, takes the answer as whole with the reason None or ``other``. Agents that
    look for ``tool_use`` stop.

    ## Repair
    A reason that stands on ``message_stop`` instead is moved. ``--unsafe`` adds ``tool_use`` behind calls that are
    whole. Otherwise none: ``end_turn`` is never made up, since the answer may have been cut.
    """

    name = "messages-stop-reason-missing"
    severity = Severity.ERROR
    source = MESSAGES_STOP_REASONS
    answer_fact = "unfinished"
    repairability = Repairability.UNSAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA | MessageFact.STOP
    variants = ("it stands on message_stop", "message_delta has none", "there is no message_delta")

    _place: Place | None = None
    _deltas = 0

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & MessageFact.MESSAGE_DELTA:
            self._deltas += 1
        self._place = self.keep(at, event)

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if not reader.stopped or reader.failed or reader.stop_reason not in (None, ""):
            return
        if reader.message is None and not reader.blocks:
            return  # a lone message_stop: there is no message
        stands, calls = reader.told_reason, whole(reader) and bool(reader.client_tools)
        what = "message_delta has no stop_reason" if self._deltas else "there is no message_delta"
        yield self.found_at(
            self._place,
            f"{what}" + (f"; message_stop has {quote(stands)}" if stands else ""),
            expected="a stop_reason",
            actual=stands,
            repairability=Repairability.SAFE if type(stands) is str else None if calls else Repairability.NONE,
            variant=self.variants[0 if stands else 1 if self._deltas else 2],
        )
