"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.facts import MessageFact
from streamlab.apis.anthropic.repairs import MessageRepair
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

_MOST = 1000  # blocks


class MessagesBlockOverlap(MessagesRule):
    """A block is opened before the one before it is closed.

    A warning while the first one only waits to be closed; an error when deltas of both come in turns.

    ## What Anthropic does
    Sends block after block: 0 overlaps in 4,061 streams, also in 98 with parallel calls.

    ## Why it matters
    LiteLLM mixes the inputs, llama-index as well when the deltas come in turns: a tool is run with the wrong input.
    Ten others and Claude Code go by the index.

    ## Repair
    The first block is closed before the second; deltas that come in turns are put in the order of their blocks.
    """

    name = "messages-block-overlap"
    severity = Severity.WARNING
    source = MESSAGES_STREAMING
    answer_fact = "calls-interleaved"
    repairability = Repairability.SAFE
    repair = MessageRepair
    on = MessageFact.BLOCK_START | MessageFact.OVERLAP
    variants = ("deltas come in turns", "it is closed behind deltas of the next", "it is closed before any")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._places: dict[int, Place] = {}  # number of a block that was open -> where the next one was opened
        self._told: set[int] = set()

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        reader, facts = self.messages, self.ctx.facts
        block = reader.block
        if block is None:
            return None
        if not facts & MessageFact.OVERLAP:
            if len(reader.blocks) < _MOST:
                place = self.keep(at, event, "index")
                for one in reader.open_blocks:
                    if one is not block:
                        self._places.setdefault(one.number, place)
            return None
        mixed = bool(facts & MessageFact.DELTA)
        if block.number not in self._places or (block.number in self._told and not mixed):
            return None
        self._told.add(block.number)
        how = "is still written to" if mixed else "is closed only later"
        return (
            self.found_at(
                self._places[block.number],
                f"the next block is opened before block {block.index} is closed, which {how}",
                expected="content_block_stop",
                actual="content_block_start",
                severity=Severity.ERROR if mixed else None,
                variant=self.variants[0 if mixed else 1 if reader.blocks[-1].deltas else 2],
            ),
        )
