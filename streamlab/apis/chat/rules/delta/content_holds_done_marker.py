"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.choice_text import holder_of, text_of
from streamlab.apis.chat.repairs.emptied import stops
from streamlab.exchange import Ending
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.odd_texts import DoneMarkerRule, is_marker
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_STREAM
from streamlab.wire import reading
from streamlab.wire.reading import Fact

_MOST_HELD = 64


class DropMarkerText(Repair):
    """Drops the last deltas that are nothing but the text ``[DONE]``."""

    rules = ("content-holds-done-marker",)
    safe = False
    doubts_text = True
    stage = Stage.DELTA
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT
    holds_back = "deltas whose text is [DONE], and blank ones behind them, until the next event (64 at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []

    def event(self, draft: Draft) -> Drafts:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        only = text_of(listed[0]) if len(listed) == 1 else ""
        waits = is_marker(only) or (bool(self._held) and only.isspace())
        if waits and not listed[0].get("finish_reason") and len(self._held) < _MOST_HELD:
            self._held.append(draft)
            self.awake = True
            return ()
        if not waits and any(map(text_of, listed)):
            held, self._held, self.awake = self._held, [], False
            return (*held, draft)
        return (*self.end(Ending.COMPLETE), *self._without_marker(draft))

    def end(self, ending: Ending) -> Drafts:
        held, self._held, self.awake = self._held, [], False
        return tuple(left for one in held for left in self._without_marker(one))

    def _without_marker(self, draft: Draft) -> tuple[Draft, ...]:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        if len(listed) != 1 or not is_marker(text_of(listed[0])):
            return (draft,)
        choice = listed[0]
        holder, key, path = holder_of(choice)
        if holder is choice:  # in legacy completions every choice has one
            draft.put(self.rules[0], choice, key, "", "choices[0].")
        else:
            draft.drop(self.rules[0], holder, key, f"choices[0].{path}")
        if reading.delta(choice) or stops(choice):
            return (draft,)
        self.state.account.drop(draft, self.rules[0])
        return ()


class ContentHoldsDoneMarker(DoneMarkerRule):
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
    repairability = Repairability.UNSAFE
    repair = DropMarkerText
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
