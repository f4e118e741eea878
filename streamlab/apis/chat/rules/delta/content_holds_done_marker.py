"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs.emptied import stops
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_MARKER = "[DONE]"
_MOST_HELD = 64


class DropMarkerText(Repair):
    """Drops the last deltas that are nothing but the text ``[DONE]``."""

    rules = ("content-holds-done-marker",)
    safe = False
    doubts_text = True
    stage = Stage.DELTA
    on = Fact.CONTENT
    holds_back = "deltas whose text is [DONE], until the next event (64 at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []

    def event(self, draft: Draft) -> Drafts:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        marker = len(listed) == 1 and reading.content(reading.delta(listed[0])).strip() == _MARKER
        if marker and not listed[0].get("finish_reason") and len(self._held) < _MOST_HELD:
            self._held.append(draft)
            self.awake = True
            return ()
        if not marker and any(map(reading.content, map(reading.delta, listed))):
            held, self._held, self.awake = self._held, [], False
            return (*held, draft)
        return (*self.end(Ending.COMPLETE), *(self._without_text(draft) if marker else (draft,)))

    def end(self, ending: Ending) -> Drafts:
        held, self._held, self.awake = self._held, [], False
        return tuple(left for one in held for left in self._without_text(one))

    def _without_text(self, draft: Draft) -> tuple[Draft, ...]:
        delta = reading.deltas(draft.json)[0]
        draft.drop(self.rules[0], delta, "content", "choices[0].delta.")
        if delta or stops(reading.choices(draft.json)[0]):
            return (draft,)
        self.state.account.drop(draft, self.rules[0])
        return ()


class ContentHoldsDoneMarker(LateRule):
    """The end marker ``[DONE]`` arrives as text of the answer.

    ## What OpenAI does
    Sends ``[DONE]`` as the payload of an event of its own, never as content.

    ## Why it matters
    The user reads ``[DONE]`` at the end of the answer or in place of it (early GLM-4 servers, short answers). No client
    raises. A model that explains the protocol writes the marker in several tokens or inside longer text; only a delta
    that is the marker and nothing else, at the end of the text, is judged.

    ## Repair
    That delta is dropped, on the guess that the model did not mean it.
    """

    name = "content-holds-done-marker"
    severity = Severity.ERROR
    source = CHAT_STREAM
    answer_fact = "done-in-text"
    repairability = Repairability.UNSAFE
    repair = DropMarkerText
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH | Fact.NO_CHOICES | Fact.ROLE | Fact.ENVELOPE  # a keep-alive may stand behind it

    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        """The last text stands in the finish chunk, or before that, usage, a role, a keep-alive or an error."""
        if self._place is None and _is_marker(reading.chunk_of(event)):
            self._place = self.keep(at, event, "choices[0]")
        elif self._place is None and self._last_is_marker():
            self._place = self.keep_last("choices[0]")

    def passes(self, run: Run) -> bool:
        return not self._last_is_marker() and not any(text.strip() == _MARKER for text in run.texts)

    def end(self, ending: Ending) -> Findings:
        if self._place is None and self._last_is_marker():
            self._place = self.keep_last("choices[0]")
        if self._place is None:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content).rstrip()
            if text.endswith(_MARKER):
                alone = text == _MARKER
                yield self.found_at(
                    self._place,
                    "the whole text is [DONE]" if alone else "the text ends with [DONE] as a delta of its own",
                    expected="data: [DONE] as an event of its own",
                    actual=_MARKER,
                )
                return

    def _last_is_marker(self) -> bool:
        return self.ctx.seen.last_chunk is not None and _is_marker(self.ctx.seen.last_chunk)


def _is_marker(chunk: JsonObject) -> bool:
    for choice in reading.choices(chunk):
        text = reading.content(reading.delta(choice)) or choice.get("text")
        if type(text) is str and text.strip() == _MARKER:
            return True
    return False
