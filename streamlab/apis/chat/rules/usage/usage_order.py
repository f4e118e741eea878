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
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class UsageOrder(LateRule):
    """The usage chunk comes before the finish chunk, before some other chunk, or after ``[DONE]``.

    ## What OpenAI does
    Sends finish, usage, ``[DONE]``, in this order. Two things may follow the usage chunk: a chunk with a ``moderation``
    object, and the last piece of an audio answer.

    ## Why it matters
    A chunk without usage that follows resets it to nothing in both ``.stream()`` helpers (openai-python, openai-node),
    in AutoGen and in Strands, measured. What comes after ``[DONE]`` no SDK reads.

    ## Repair
    Moved to its place.
    """

    name = "usage-order"
    severity = Severity.WARNING
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.SAFE
    repair = Closing
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.USAGE
    ends_after = on

    _seen = 0
    _number = 0  # of the usage chunk among the chunks
    _place: Place | None = None
    _after_done = False

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if chunk.get("usage") is None:
            return
        self._seen += 1
        # Usage in a chunk with choices, or in several chunks, has rules of its own.
        if self._seen == 1 and not reading.choices(chunk):
            self._place, self._number = self.keep(at, event, "usage"), self.ctx.seen.chunks
            self._after_done = bool(self.ctx.facts & Fact.AFTER_DONE)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if self._place is None or self._seen != 1:
            return
        if self._after_done:
            yield self.found_at(self._place, "the usage chunk comes after [DONE]", expected="usage before [DONE]")
        elif any(finish > self._place.at for finish in ctx.seen.finish_at.values()):
            yield self.found_at(self._place, "the usage chunk comes before the finish chunk", expected="finish, usage")
        elif ctx.seen.chunks > self._number + 1 and not _may_follow(ctx.seen.last_chunk or {}):
            yield self.found_at(
                self._place, "another chunk follows the usage chunk", expected="usage in the last chunk"
            )


def _may_follow(chunk: JsonObject) -> bool:
    return chunk.get("moderation") is not None or any("audio" in one for one in reading.deltas(chunk))
