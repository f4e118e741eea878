"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesStopMissing(MessagesRule):
    """The stream ends after its ``stop_reason`` without ``message_stop``.

    ## What Anthropic does
    Ends 4,057 of 4,057 complete streams with ``message_stop``.

    ## Why it matters
    anthropic-ts, new and old, raises ``stream ended without producing a Message``; the AI SDK reports
    ``interrupted`` or ``other`` and no usage. anthropic-python, Claude Code and LangChain read it all the same.

    ## Repair
    ``message_stop`` is added: the message said why it stopped.
    """

    name = "messages-stop-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.MESSAGE_DELTA | MessageFact.PING | MessageFact.FOREIGN
    variants = ("nothing follows", "pings follow")

    _place: Place | None = None

    _pings = False
    _foreign = False  # an object without a type: it may be what is missing, and other clients mind that

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & MessageFact.MESSAGE_DELTA:
            self._place, self._pings = self.keep(at, event), False
        elif self.ctx.facts & MessageFact.PING:
            self._pings = True
        else:
            self._foreign = True

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if ending is Ending.COMPLETE and reader.stop_reason is not None and not reader.stopped and not reader.failed:
            said = "the stream ends without message_stop"
            form = None if self._foreign else self.variants[self._pings]
            yield self.found_at(self._place, said, expected="message_stop", actual="message_delta", variant=form)
