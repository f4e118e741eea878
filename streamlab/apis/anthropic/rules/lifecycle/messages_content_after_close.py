"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import BLOCK_START, BLOCK_STOP, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class MessagesContentAfterClose(MessagesRule):
    """Content comes after its block, or the whole message, was closed.

    ## What Anthropic does
    Sends deltas between start and stop of their block and blocks before ``message_delta``, without exception in
    4,061 streams.

    ## Why it matters
    After a delta behind its block's stop the AI SDK raises, llama-index loses it, and Claude Code asks four times,
    prints the answer four times and says that the stream was malformed. LiteLLM drops a block behind
    ``message_delta``.

    ## Repair
    The block's stop is moved behind its last delta, ``message_delta`` behind the last block.
    """

    name = "messages-content-after-close"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.LATE | MessageFact.MESSAGE_DELTA
    variants = (
        *(f"{kind} was closed" for kind in KIND.values()),
        "a block follows message_delta",
        "the end of a block follows message_delta",
    )

    _place: Place | None = None
    _what = ""

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, facts = self.messages, self.ctx.facts
        if facts & (MessageFact.AFTER_STOP | MessageFact.AFTER_ERROR):
            return None
        if facts & MessageFact.MESSAGE_DELTA:
            self._place = None  # what came before it came between two of them, which has its own rule
            return None
        block = reader.block
        if block is not None and not block.open and facts & MessageFact.DELTA:
            message = f"a {reader.delta or 'delta'} comes after block {block.index} was closed"
            kind = KIND.get(block.kind) if block is reader.blocks[-1] else None
            form = f"{kind} was closed" if kind else None
            return (self.found(message, at, path="index", actual=block.index, variant=form),)
        if self._place is None:
            self._place, self._what = self.keep(at, event, "type"), reader.kind
        return None

    def end(self, ending: Ending) -> Findings:
        if self._place is not None:
            yield self.found_at(
                self._place,
                f"{self._what} comes after message_delta",
                actual=self._what,
                variant={BLOCK_START: self.variants[-2], BLOCK_STOP: self.variants[-1]}.get(self._what),
            )
