"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Closing
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class FinishReasonEveryChunk(LateRule):
    """``finish_reason`` is set while the answer goes on, on chunk after chunk.

    ## What OpenAI does
    Sends ``null`` in every chunk of a choice but its last, which holds nothing else.

    ## Why it matters
    A client that stops at the first ``finish_reason`` drops the answer; translators and chat front ends were seen
    to. LangChain (Python and JavaScript) joins the values to ``stopstopstop``, strands loses text. Known from
    gateways in front of Gemini, which marks every chunk.

    A finish chunk that merely comes twice, word for word, is noted here as information; finish-reason-repeated
    judges it.

    ## Repair
    ``null`` everywhere but in a finish chunk of its own at the end. None in legacy completions, where text and finish
    share a chunk.
    """

    name = "finish-reason-every-chunk"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    of_some = Repairability.NONE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._first: dict[int, tuple[Place, str]] = {}  # choice -> its first finish_reason, and where it stands
        self._finish: dict[int, tuple[int, JsonObject]] = {}  # choice -> event and form of its last finish chunk
        self._spoken: set[int] = set()

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            reason, index = reading.finish_reason(choice), reading.choice_index(choice)
            if not isinstance(reason, str) or is_blank(reason):
                continue
            path = f"choices[{position}].finish_reason"
            before = self._finish.get(index)
            self._finish[index] = (at, choice)
            if before is None:
                self._first[index] = self.keep(at, event, path), reason
            elif reading.adds_text(choice):
                yield from self._again(index, at, path, reason)
            elif choice == before[1] and at == before[0] + 1 and reading.usage(event.json) is None:
                message = f"the finish chunk with {quote(reason)} comes twice"
                yield self.found(
                    message, at, path=path, actual=reason, severity=Severity.INFO, repairability=self._mended()
                )

    def _again(self, index: int, at: int, path: str, reason: str) -> Findings:
        """Text in a chunk with a finish_reason after an earlier finish_reason: now it is certain."""
        place, first = self._first[index]
        message = f"finish_reason {quote(first)} although the answer goes on, again and again"
        if index not in self._spoken:
            self._spoken.add(index)
            yield self.found_at(place, message, actual=first, repairability=self._mended())
        yield self.found(message, at, path=path, actual=reason, repairability=self._mended())

    def _mended(self) -> Repairability | None:
        return self.of_some if self.ctx.api.name == api_names.COMPLETIONS else None
