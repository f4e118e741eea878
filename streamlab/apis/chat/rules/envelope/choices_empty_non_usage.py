"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import ENVELOPE_KEYS, Draft, Drafts, Repair, Stage
from streamlab.rules.sources import CHAT_CHUNK_CHOICES
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.keepalives import is_keepalive
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class DropEmptyChunk(Repair):
    """Drops a chunk in which there is nothing but the envelope."""

    rules = ("choices-empty-non-usage",)
    stage = Stage.ENVELOPE
    minds = 0
    on = Fact.NO_CHOICES
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk or not holds_nothing(draft.json):
            return (draft,)
        self.state.account.drop(draft, self.rules[0])
        return ()


def holds_nothing(chunk: JsonObject) -> bool:
    """Whether a chunk without choices carries nothing that anybody could miss."""
    if chunk.get("choices") != []:
        return False
    plain = {key: value for key, value in chunk.items() if key not in _ENVELOPE or (key != "choices" and _holds(value))}
    return all(value is None or value == "" for value in plain.values())


def _holds(value: object) -> bool:
    """Whether a member of the envelope is none, but something that may hold an answer."""
    return isinstance(value, dict | list)


_ENVELOPE = frozenset({"choices", "obfuscation", *ENVELOPE_KEYS})


#: From so many on, empty chunks are heartbeats.
_HEARTBEATS = 2


class ChoicesEmptyNonUsage(LateRule):
    """A chunk that is not the usage chunk has an empty list of choices.

    ## What OpenAI does
    Sends ``choices: []`` only in the usage chunk, and in a chunk with a ``moderation`` object that may follow it. Azure
    begins nearly every stream with such a chunk, which carries ``prompt_filter_results``; that is by design.

    ## Why it matters
    Code that reads ``chunk.choices[0]`` fails with an index error on the very first chunk from Azure. Every measured
    client skips such chunks. Where they come again and again, as heartbeats, every loop of that kind meets one.

    ## Repair
    The chunk is dropped when it carries nothing at all; filter results and other extensions are kept.
    """

    name = "choices-empty-non-usage"
    severity = Severity.INFO
    source = CHAT_CHUNK_CHOICES
    repairability = Repairability.SAFE
    repair = DropEmptyChunk
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.NO_CHOICES
    ends_after = on

    _empty = 0  # chunks that hold nothing
    _first_empty: Place | None = None

    def end(self, ending: Ending) -> Findings:
        if self._empty >= _HEARTBEATS:
            yield self.found_at(
                self._first_empty,
                f"{self._empty} chunks hold nothing but the envelope: heartbeats in the clothes of chunks",
                expected="comments: lines that begin with a colon",
                actual="(absent)",
                severity=Severity.WARNING,
            )

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        if holds_nothing(chunk):
            self._empty += 1
            self._first_empty = self._first_empty or self.keep(at, event, "choices[0]")
        if chunk.get("choices") != [] or chunk.get("usage") is not None or chunk.get("moderation") is not None:
            return
        if is_keepalive(chunk):
            return  # keepalive-chunk
        azure = "prompt_filter_results" in chunk
        yield self.found(
            "choices is empty in Azure's chunk of prompt filter results"
            if azure
            else "choices is empty in a chunk that is not the usage chunk",
            at,
            path="choices",
            expected="a choice, or usage",
            actual=[],
            repairability=Repairability.SAFE if holds_nothing(chunk) else Repairability.NONE,
        )
