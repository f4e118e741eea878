"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGE_STOP, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent


class MessagesStartMissing(MessagesRule):
    """A message does not open with ``message_start``: it comes later, or not at all.

    Pings and comments may stand before it, and a stream that is an ``error`` alone has none.

    ## What Anthropic does
    Opens each of 4,059 streams with ``message_start``; in one of them two pings came before it.

    ## Why it matters
    Both official SDKs, new and a year old, raise, and so does pydantic-ai. Claude Code throws the stream away and
    asks again without streaming. The AI SDK, LangChain and LiteLLM go on.

    ## Repair
    A late one is moved to the front. Where none came, one is written with the model of the request and usage 0, and
    the account says so. A lone ``message_stop`` cannot be saved.
    """

    name = "messages-start-missing"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.UNOPENED | MessageFact.START
    variants = ("it comes late", "it never comes", "nothing but message_stop comes")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._first: Place | None = None
        self._kind = ""
        self._late = False
        self._begun = False  # content had come by then

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & MessageFact.UNOPENED:
            self._first, self._kind = self.keep(at, event), self.messages.kind
        elif self._first is not None and not self.ctx.facts & MessageFact.AGAIN:
            self._late = True
            self._begun = any(block.deltas for block in self.messages.blocks)

    @property
    def _form(self) -> int | None:
        """Which of the forms it is; None for one that no client was asked about."""
        reader = self.messages
        if self._late:
            return None if self._begun else 0
        if reader.blocks:
            return 1
        return 2 if self._kind == MESSAGE_STOP else None

    def end(self, ending: Ending) -> Findings:
        if self._first is None:
            return
        variant = self.variants[self._form] if self._form is not None else None
        how = "comes only later" if self._late else "never comes"
        yield self.found_at(
            self._first,
            f"the message opens with {self._kind}, and message_start {how}",
            expected="message_start",
            actual=self._kind,
            variant=variant,
            repairability=None if self._late or self.messages.blocks else Repairability.NONE,
        )
