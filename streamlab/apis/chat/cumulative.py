"""Deltas that each hold all that was said so far, whether it is text or reasoning: what finds and what repairs them."""

from __future__ import annotations

from typing import ClassVar

from streamlab.apis.chat.choice_text import holder_of, text_of
from streamlab.exchange import Ending
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.odd_texts import GROWTHS, SHORTEST, CumulativeRule
from streamlab.rules.repair import LONGEST, Added, Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import Run, TextKind


class KeepWhatIsNew(Repair):
    """Sends only what each delta adds, once it is clear that all of them repeat the text so far."""

    doubts_text = True
    stage = Stage.DELTA
    minds = 0
    kind: ClassVar[TextKind]  # what it looks at
    holds_back = "deltas that begin with the whole text so far, until four grew that way or the answer ends"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._last = self._sent = ""
        self._growths = 0
        self._sure = False

    def passes(self, added: Added) -> bool:
        """The first text, and the second where it does not begin with it: then none is looked at any more."""
        first, *more = (self._last, *added.texts) if self._last else added.texts
        return not (more and self._looks_at(added) and more[0].startswith(first))

    def passed(self, added: Added) -> None:
        if not self._looks_at(added):
            return
        if self._last or len(added.texts) > 1:
            self.retire()
        else:
            self._last = self._sent = added.texts[0]

    def unseen(self, added: Added) -> int:
        return 0 if self._looks_at(added) else LONGEST

    def _looks_at(self, added: Added) -> bool:
        return added.varying.text is self.kind and not added.varying.choice

    def event(self, draft: Draft) -> Drafts:
        if not self.asks:
            return (draft,)
        text = self._said(_first(draft))
        if self._sure:
            self._strip(draft, text)
            return (draft,)
        if not text:
            return self._textless(draft)
        if not text.startswith(self._last):
            return (*self._settle(), draft)
        if not self._last:
            self._last = self._sent = text
            return (draft,)
        self._growths += len(text) > len(self._last)
        self._last = text
        self._held.append(draft)
        self.awake = True
        if self._growths >= _CERTAIN and len(text) >= SHORTEST:
            return self._decide()
        return self._settle() if len(self._held) > _MAX_HELD else ()

    def _textless(self, draft: Draft) -> Drafts:
        if not self._held:
            return (draft,)
        self._held.append(draft)
        over = self._is_over(draft) and not (self._undecided and _may_come_early(draft))
        return self._decide() if over or len(self._held) > _MAX_HELD else ()

    @property
    def _undecided(self) -> bool:
        return self._growths < GROWTHS or len(self._last) < SHORTEST

    @property
    def done(self) -> bool:
        return any(isinstance(one.event, Done) for one in self._held)

    def release(self) -> Drafts:
        return self._decide() if self.done else ()

    def end(self, ending: Ending) -> Drafts:
        return self._decide()

    def _decide(self) -> Drafts:
        if self._undecided:
            return self._settle()
        self._sure = self.awake = True
        held, self._held = self._held, []
        for draft in held:
            self._strip(draft, self._said(_first(draft)))
        return held

    def _settle(self) -> Drafts:
        """These deltas are what they seem."""
        held, self._held = self._held, []
        self.retire()
        return held

    def _strip(self, draft: Draft, text: str) -> None:
        if text and text.startswith(self._sent):
            new, self._sent = text[len(self._sent) :], text
            self._cut_down(draft, _first(draft), text, new)

    # -- which text it is --------------------------------------------------------------------------------------------

    def _said(self, choice: JsonObject) -> str:
        return text_of(choice)

    def _cut_down(self, draft: Draft, choice: JsonObject, text: str, new: str) -> None:
        holder, key, path = holder_of(choice)
        draft.put(self.rules[0], holder, key, new, f"choices[0].{path}")

    def _is_over(self, draft: Draft) -> bool:
        """Whether an event without text shows that no more of it comes."""
        return not draft.is_chunk or any(choice.get("finish_reason") for choice in reading.choices(draft.json))


#: Growing deltas that leave no doubt while the answer is still going on; and how many events may wait for that.
_CERTAIN = 4
_MAX_HELD = 16


def _may_come_early(draft: Draft) -> bool:
    """Whether text may follow an end: it goes before it then."""
    listed = reading.choices(draft.json) if draft.is_chunk else []
    return isinstance(draft.event, Done) or any(choice.get("finish_reason") for choice in listed)


def _first(draft: Draft) -> JsonObject:
    listed = reading.choices(draft.json) if draft.is_chunk else []
    return listed[0] if listed and reading.choice_index(listed[0]) == 0 else {}


class CumulativeDeltas(CumulativeRule):
    """Of the first choice."""

    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE

    def said(self, event: StreamEvent) -> tuple[str, str]:
        listed = reading.choices(reading.chunk_of(event))
        return self.said_in(listed[0]) if listed and reading.choice_index(listed[0]) == 0 else ("", "")

    def said_in(self, choice: JsonObject) -> tuple[str, str]:
        """The text that a choice adds, and the path of it."""
        _, key, path = holder_of(choice)
        return text_of(choice), f"choices[0].{path}{key}"

    def passes(self, run: Run) -> bool:
        return run.template.varying.choice != 0 or super().passes(run)
