"""Numbers and names of events on their way out."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import CREATED, NUMBERED_SINCE, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.numbers import said_by
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.repair import ABSENT, Change, Chunk, Draft, ErrorPayload
from streamlab.rules.repairs.event_lines import note_line
from streamlab.rules.repairs.framing import frame
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_object
from streamlab.wire.runs import Run

_RULE = "responses-sequence-number"


class Numbering:
    """Numbers events by ones, from the number of the first; frames what was changed under its type."""

    def __init__(self, reader: ResponsesReader) -> None:
        self.reader = reader
        self._next: int | None = None
        self._numbered = True  # older streams of OpenAI have no numbers at all
        self.renumbered = False  # whether an event goes out under another number than it came
        self._moved = ""  # by which rule's repair an event came or went: the numbers behind it follow from that

    def lost(self, rule: str) -> None:
        """An event does not go out."""
        self._moved = self._moved or rule

    @property
    def moved(self) -> bool:
        """Whether an event came or went, so that the numbers behind it cannot stay."""
        return bool(self._moved)

    def goes_on(self, run: Run) -> bool:
        """Whether the events of a run have the numbers under which they go out."""
        return run.first == self._next if self._numbered else run.first is None

    def passed(self, run: Run) -> None:
        """The events of a run went out."""
        if self._numbered and self._next is not None:
            self._next += len(run)

    def number(self, draft: Draft) -> Draft:
        """Number and frame an event that goes out."""
        if isinstance(draft.event, Chunk | ErrorPayload):
            value = draft.json
            kind = text_of(value.get("type"))
            if kind.startswith("response.") or kind in ("error", "keepalive"):
                came = value.get("sequence_number")
                self._number(draft, value, kind)
                self._name(draft, value, kind)
                if draft.changes and type(came) is int and came == value["sequence_number"]:
                    self.reader.numbers.repaired(came, said_by(draft.json, draft.event.sse))
            elif self._numbered and type(number := value.get("sequence_number")) is int and number == self._next:
                self._next = number + 1  # one of no type that is known here
        return draft

    def _number(self, draft: Draft, value: JsonObject, kind: str) -> None:
        number = value.get("sequence_number")
        if kind == "keepalive" and number is None and self._next is None:
            return  # the first number is still to come
        if self._next is None:
            ours = any(change.path == "response.created_at" and _is_new(change) for change in draft.changes)
            made = None if ours else as_object(value.get("response")).get("created_at")
            self._numbered = type(number) is int or not (type(made) is int and made < NUMBERED_SINCE)
            resumed = type(number) is int and number > 0 and kind != CREATED  # what is made here has no number yet
            self._next = number if resumed and type(number) is int else 0
        if not self._numbered:
            return
        if type(number) is not int or number != self._next:
            draft.put(self._why(draft, number), value, "sequence_number", self._next, "")
            self.renumbered = True
        self._next += 1

    def _why(self, draft: Draft, number: Any) -> str:
        if number is None and draft.event.sse is None and draft.changes:
            self._moved = self._moved or draft.changes[0].rule
            return draft.changes[0].rule
        odd = any(one.fact == ResponseFact.NUMBER for one in self.reader.odd)
        return _RULE if odd or type(number) is not int else self._moved or _RULE

    @staticmethod
    def _name(draft: Draft, value: JsonObject, kind: str) -> None:
        """Frame the event with its name, when that or anything else in it changed."""
        sse = draft.event.sse
        name = kind.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" ")
        if sse is not None and sse.event == name:
            return
        note_line(draft, name, "responses-event-type-mismatch")
        payload = sse.data if sse is not None and sse.data is not None else encode_json(value)
        draft.event = type(draft.event)(frame(payload, name), value)  # type: ignore[call-arg, arg-type]


def _is_new(change: Change) -> bool:
    """Whether a change puts something where the upstream told nothing."""
    return change.was is ABSENT or change.was is None
