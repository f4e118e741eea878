"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import MESSAGE_START, MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.rules.base import KIND, MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.told_failures import failed_by_name
from streamlab.wire.bodies import BodyKind
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, chunk_of


class MessagesTruncated(MessagesRule):
    """The stream ends in the middle of the message, although the HTTP response ended properly.

    ## What Anthropic does
    Ends a message with ``message_stop``, or with ``error``.

    ## Why it matters
    anthropic-python, two versions of the AI SDK, both LangChains and pydantic-ai return half an answer without an
    exception, llama-index an empty one. Claude Code asks three times when no block was closed, and prints the
    closed blocks four times when one was.

    ## Repair
    None: the rest is not on the wire. The mended stream ends with an ``error`` event, so that every client raises,
    never with an invented end.
    """

    name = "messages-truncated"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
    answer_fact = "unfinished"
    repairability = Repairability.TOLD
    on = (
        MessageFact.PING
        | MessageFact.START
        | MessageFact.BLOCK_START
        | MessageFact.BLOCK_STOP
        | MessageFact.MESSAGE_DELTA
        | MessageFact.FOREIGN
        | MessageFact.UNKNOWN
        | Fact.COMMENT
        | Fact.UNDECODABLE
    )

    variants = ("nothing but message_start came", *(f"it is {kind}" for kind in KIND.values()), "no block is open")

    _lost = False  # an event could not be read: other clients mind that
    _pings = False
    _foreign = False
    _failed = False  # a failure was told where no client looks, which has its own rule
    _last: str | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.facts & Fact.UNDECODABLE:
            self._lost = True
            return
        if self.ctx.facts & Fact.COMMENT:
            self._failed = self._failed or failed_by_name(event)
            return
        self._foreign = self._foreign or type(chunk_of(event).get("choices")) is list
        if self.ctx.facts & MessageFact.PING:
            self._pings = True
        else:
            self._last = self.messages.kind

    def end(self, ending: Ending) -> Findings:
        reader = self.messages
        if ending is not Ending.COMPLETE or reader.stopped or reader.failed or reader.stop_reason is not None:
            return
        if self.ctx.received.coding_fault is not None:
            return  # the rest was not read
        if not reader.begun:
            if self._nothing_of_a_message():
                what = "nothing but [DONE] came" if not self.ctx.seen.chunks else "no event of a message came"
                yield self.found(what, expected="message_start", actual=(self.ctx.seen.last_chunk or {}).get("type"))
            if self._pings and self.ctx.seen.chunks == self.ctx.seen.data_events and self._last is None:
                yield self.found("nothing but pings came", expected="message_start", actual="ping")
            return
        still = [block for block in reader.blocks if block.open]
        where = f", inside a {still[-1].kind} block" if still and still[-1].kind else ""
        yield self.found(
            f"the stream ends in the middle of the message{where}{', after a failure' if self._failed else ''}",
            expected="message_stop",
            actual=self._last,
            severity=Severity.INFO if self._failed else None,
            variant=self._form(still),
        )

    def _form(self, still: list[Block]) -> str | None:
        """What is cut; None for what no client was asked about."""
        if self._lost:
            return None
        if not self.messages.blocks:
            return self.variants[0] if self._last == MESSAGE_START else None
        if not still:
            return self.variants[-1]
        return f"it is {KIND[still[0].kind]}" if len(still) == 1 and still[0].kind in KIND else None

    def _nothing_of_a_message(self) -> bool:
        """Whether all that came was JSON without a type, or ``[DONE]``, and no other rule says why."""
        seen, received = self.ctx.seen, self.ctx.received
        came = seen.chunks > 0 or seen.done_at is not None
        silent = not (self._pings or self._foreign or self._last)
        return (
            came
            and silent
            and not seen.hollow
            and seen.error_at is None
            and received.kind is BodyKind.SSE
            and received.foreign is None
        )
