"""The repair of a Messages stream: envelope, then blocks, then tool input, then the end; each part in its own module.

The parts work on what framing and errors have left. An event that is as it should be, at a place where nothing is held
back, never comes here (`on`); once anything was odd, all of them do.
"""

from __future__ import annotations

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.facts import ODD, MessageFact
from streamlab.apis.anthropic.repairs.blocks import Blocks
from streamlab.apis.anthropic.repairs.chat_chunks import ChatChunks
from streamlab.apis.anthropic.repairs.closing import Closing
from streamlab.apis.anthropic.repairs.envelope import Envelope
from streamlab.apis.anthropic.repairs.inputs import ToolInputs
from streamlab.apis.anthropic.repairs.marked_calls import MarkedCalls
from streamlab.apis.anthropic.repairs.parts import Message, Part
from streamlab.apis.anthropic.repairs.tags import ThinkTags
from streamlab.exchange import Ending
from streamlab.rules.repair import Added, Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire.reading import as_object
from streamlab.wire.runs import Run

_F = MessageFact


class MessageRepair(Repair):
    """Takes each event through the parts, in their order."""

    rules = (
        "messages-start-missing",
        "messages-start-repeated",
        "messages-start-shape",
        "messages-start-prefilled",
        "messages-usage-missing",
        "messages-usage-wrong-shape",
        "messages-usage-input-zero",
        "messages-stop-reason-unknown",
        "messages-stop-reason-missing",
        "messages-stop-reason-end-turn-with-tool",
        "messages-block-start-missing",
        "messages-block-start-text",
        "messages-block-start-member-missing",
        "messages-block-stop-missing",
        "messages-block-stop-repeated",
        "messages-block-overlap",
        "messages-block-index-reused",
        "messages-block-index-gap",
        "messages-block-index-type",
        "messages-block-restarted",
        "messages-delta-type-mismatch",
        "messages-delta-member-wrong",
        "messages-reasoning-extra-key",
        "messages-think-tags-in-text",
        "messages-thinking-signature",
        "messages-redacted-thinking-without-data",
        "messages-unknown-type",
        "messages-content-after-close",
        "messages-tool-input-in-start",
        "messages-tool-input-empty-object-prefix",
        "messages-tool-input-repeated",
        "messages-tool-input-double-encoded",
        "messages-tool-input-not-object",
        "messages-tool-id-missing",
        "messages-tool-id-repeated",
        "messages-tool-name-not-in-tools",
        "messages-delta-repeated",
        "messages-stop-missing",
        "messages-stop-repeated",
        "messages-event-after-stop",
        "messages-answer-after-error",
        "messages-openai-chunks",
        "messages-tool-call-as-text",
    )
    stage = Stage.CLOSING
    takes_runs = True
    on = _F.START | _F.BLOCK_START | _F.BLOCK_STOP | _F.MESSAGE_DELTA | _F.STOP | _F.ERROR | _F.SIGNATURE | ODD
    holds_back = (
        "a start, a stop, a signature or message_delta until the next event; the input of a tool that may be said "
        "twice until its block is closed (1 MiB at most); a block until the one before is closed (256 events at most); "
        "with --unsafe, text that may hold a call or thinking, until its block is closed (1 MiB at most)"
    )

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._message = Message(state)
        self._blocks, self._marked = Blocks(self._message), MarkedCalls(self._message)
        self._reads_text = state.unsafe and bool(state.tools)  # any text may hold a call
        parts: list[Part] = [Envelope(self._message)]
        if state.unsafe:
            parts = [ChatChunks(self._message), *parts, ThinkTags(self._message)]
        marked = (self._marked,) if state.unsafe else ()
        self._inputs = ToolInputs(self._message)
        self._parts = (*parts, self._blocks, *marked, self._inputs, Closing(self._message))
        self._went: Block | None = None  # whose delta the last event was, which went out as it came

    @property
    def holding(self) -> bool:
        """Whether any part holds something back."""
        return any(part.holding for part in self._parts)

    @property
    def done(self) -> bool:
        """Whether the message is over: nothing of the answer is outstanding."""
        return self._message.ended

    def event(self, draft: Draft) -> Drafts:
        message = self._message
        if message.passing:
            if message.read(draft) & MessageFact.MESSAGE_DELTA:
                message.stop_reason = as_object(draft.json.get("delta")).get("stop_reason") or message.stop_reason
            self._blocks.number(draft)
            self._marked.number(draft)
            return (draft,)
        came, self._went = draft.event, None
        message.odd = message.odd or bool(draft.changes)  # whoever waits for events does not know it as it is by now
        out = self._through((draft,), 0)
        if out == [draft] and draft.event is came and not draft.changes and message.facts & MessageFact.DELTA:
            self._went = message.reader.block
        if self._message.passing:
            out = (*out, *self._let_go())
        self.awake = message.odd or message.ended or self.holding or self._reads_text
        return out

    def passes_run(self, run: Run) -> bool:
        """The next pieces of the input of a tool, of which the last one that was looked at went out as it came."""
        message, rest = self._message, [part for part in self._parts if part is not self._inputs]
        if message.odd or message.ended or self.state.unsafe or any(part.holding for part in rest):
            return False
        grows = self._went is not None and message.reader.growing(run) is not None
        return grows and message.reader.block is self._went and self._inputs.passes(run)

    def unseen(self, added: Added) -> int:
        return self._inputs.unseen

    def run_passed(self, run: Run) -> None:
        growing = self._message.reader.growing(run)
        assert growing is not None  # it passed
        growing.extend(run.texts)
        self._inputs.passed(run)

    def end(self, ending: Ending) -> Drafts:
        out: list[Draft] = []
        for at, part in enumerate(self._parts):
            out += self._through(part.finish(ending), at + 1)
        return out

    def release(self) -> Drafts:
        """Nothing has come for a while: what was held back only in case more comes, and the end where it is known."""
        if self._message.stop_reason in (None, "") or self._message.ended:
            return self._let_go()
        return self.end(Ending.COMPLETE)

    def _let_go(self) -> Drafts:
        out: list[Draft] = []
        for at, part in enumerate(self._parts):
            out += self._through(part.idle(), at + 1)
        return out

    def _through(self, drafts: Drafts, start: int) -> Drafts:
        for part in self._parts[start:]:
            step: list[Draft] = []
            for draft in drafts:
                step += part.take(draft)
            drafts = step
        return drafts
