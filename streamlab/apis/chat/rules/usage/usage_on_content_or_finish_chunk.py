"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Closing
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class UsageOnContentOrFinishChunk(LateRule):
    """The usage comes in a chunk that has choices.

    ## What OpenAI does
    Sends usage in a chunk of its own with ``choices: []``, after the finish chunk, and only where it is asked for:
    usage-unrequested.

    ## Why it matters
    Most vendors but OpenAI put it into the finish chunk. openai-java's accumulator drops the choices of such a chunk,
    and with them the finish_reason; AutoGen loses the finish_reason too, measured, where it stands in that chunk alone;
    code that looks for usage only where there are no choices (vLLM's benchmark) counts no tokens. Usage in several
    chunks is ``usage-on-every-chunk``.

    ## Repair
    Moved to a chunk of its own at the end.
    """

    name = "usage-on-content-or-finish-chunk"
    severity = Severity.WARNING
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.SAFE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.USAGE
    ends_after = on
    variants = ("the finish chunk has it", "another chunk with choices has it", "a second finish chunk has it")

    _chunks = 0
    _place: Place | None = None
    _where = ""
    _again = False  # the choice had finished before

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if chunk.get("usage") is None:
            return
        self._chunks += 1
        choices = reading.choices(chunk)
        if self._chunks == 1 and choices:
            finish = any(choice.get("finish_reason") is not None for choice in choices)
            self._again = any(self.ctx.seen.finish_at.get(reading.choice_index(one), at) < at for one in choices)
            self._place, self._where = self.keep(at, event, "usage"), "finish chunk" if finish else "chunk with choices"
        elif self._chunks > 1:
            self.retire()

    def end(self, ending: Ending) -> Findings:
        if self._place is None or self._chunks > 1 or reading.wants_running_usage(self.ctx.body):
            return
        unasked = self.ctx.body and not self.ctx.include_usage
        yield self.found_at(
            self._place,
            f"usage comes in a {self._where} instead of one of its own",
            expected='none unasked, else "choices": []' if unasked else '"choices": []',
            variant=self.variants[(2 if self._again else 0) if self._where == "finish chunk" else 1],
        )
