"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.redaction.placeholders import is_placeholder
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Spell
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.creation_times import seconds_of
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

#: In seconds this is the year 5138, in milliseconds 1973.
_SECONDS_BELOW = 100_000_000_000
#: Seconds between two chunks that a clock may have moved on, or two clocks of one server differ; more is another
#: answer's time.
_TICK = 600
_FINER = ", which is milliseconds or finer,"
_EXPECTED = "whole Unix seconds, the same in every chunk"


class CreatedWrongType(LateRule):
    """``created`` is no whole number of Unix seconds, is missing, or changes inside the stream.

    ## What OpenAI does
    Sends one integer, the Unix time in seconds, in every chunk. Azure's content filter chunks say 0; they carry no
    answer and are not judged. Nor is 0 where a recorder replaced the id beside it, in this chunk or in another
    (``chatcmpl-REDACTED_1``): it took the time out as well, and nobody knows what stood there.

    ## Why it matters
    A string or an ISO date makes the AI SDK (compatible and openai provider) and BAML raise, measured. So do ``true``,
    a list and an object, which nobody was seen to send; over those Pydantic AI raises as well, unless they are empty. A
    float, milliseconds and a missing value break the written promise, and of the measured clients nobody: a warning.
    Zero is only told, and so is a value that grows from chunk to chunk (older Ollama, xAI) where the clock ticks,
    forward or, with several servers, a little back; where the value jumps, which shows two answers in one stream, it is
    a warning.

    ## Repair
    Cut to whole seconds; the first good value is written into every chunk.
    """

    name = "created-wrong-type"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.ENVELOPE
    variants = (
        "it is text",
        "it is a number",
        "it is true, a list or an object",
        "it is false, or a list or an object with nothing in it",
        "it is absent or null",
        "it changes",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._judged, self._bad, self._varies = Spell(), Spell(), Spell()
        self._faults: dict[str, Severity] = {}  # what is wrong with the values
        self._forms: dict[str, None] = {}  # and which forms of the deviation they are
        self._first: int | None = None
        self._last = 0  # the good value before
        self._before = 0  # the one before the change that is told
        self._ticks = True  # each change so far was the clock's
        self._masked = False  # a recorder took ids and times out

    def event(self, at: int, event: StreamEvent) -> None:
        chunk, before = reading.chunk_of(event), self.ctx.seen.chunks
        created = chunk.get("created", "(absent)")
        owed = reading.owes_envelope(chunk)
        if created == 0:
            self._masked = self._masked or is_placeholder(chunk.get("id"))
            owed &= not self._masked
        self._judged.turn(owed, before)
        fault = _fault(created) if owed else None
        if self._bad.turn(fault is not None, before, created):
            self._bad.place, self._bad.value = self.keep(at, event, "created"), created
        if fault is not None:
            words, severity = fault
            self._faults[words] = min(severity, self._faults.get(words, severity), key=lambda one: one.rank)
            if (form := _variant(created)) is not None:
                self._forms[form] = None
        if not owed or fault is not None:
            return
        if self._first is None:
            self._first = created
        elif created != self._last:
            jumps = abs(created - self._last) > _TICK
            if self._varies.place is None or (jumps and self._ticks):
                self._varies.place, self._varies.value = self.keep(at, event, "created"), created
                self._before = self._last
            self._ticks &= not jumps
        self._last = created

    def end(self, ending: Ending) -> Findings:
        if self._bad.place is not None and self._masked and not (self._bad.value or self._bad.varies):
            return  # zeros that came before the first id that was replaced
        if self._bad.place is not None:
            found = self.found_at(
                self._bad.place,
                self._said(),
                expected=_EXPECTED,
                actual=self._bad.value,
                severity=min(self._faults.values(), key=lambda one: one.rank),
                repairability=self._repairability(self._bad.value),
            )
            yield changed(found, variants=tuple(self._forms))
        elif self._varies.place is not None:
            how = "jumps" if not self._ticks else "ticks on" if self._varies.value > self._before else "ticks back"
            yield self.found_at(
                self._varies.place,
                f"created {how} from {quote(self._before)} to {quote(self._varies.value)}",
                expected=self._first,
                actual=self._varies.value,
                severity=Severity.INFO if self._ticks else Severity.WARNING,
                variant="it changes",
            )

    def _said(self) -> str:
        bad, share = self._bad, self.share(self._bad, self._judged)
        if not bad.varies:
            return f"created is {self.values(bad)}{next(iter(self._faults))} {share}"
        if list(self._faults) == [_FINER]:
            return f"created is milliseconds or finer {share}, from {quote(bad.value)} to {quote(bad.other)}"
        return f"created is {self.values(bad)} {share}"

    def _repairability(self, value: Any) -> Repairability:
        """A time in another form can be read, a missing one be taken from the Date header; else nobody knows it."""
        dated = self.ctx.head is not None and self.ctx.head.header("date") is not None
        return (
            Repairability.SAFE
            if dated or self._first is not None or seconds_of(value) is not None
            else Repairability.NONE
        )


def _variant(created: Any) -> str | None:
    """Which form of the deviation a value is; None for one that no client was asked about."""
    if created is None or created == "(absent)":
        return "it is absent or null"
    if type(created) in (bool, list, dict):
        return (
            "it is true, a list or an object" if created else "it is false, or a list or an object with nothing in it"
        )
    return {str: "it is text", int: "it is a number", float: "it is a number"}.get(type(created))


def _fault(created: Any) -> tuple[str, Severity] | None:
    """What is wrong with one value, said behind it, and how bad that is; None for whole Unix seconds."""
    if type(created) is int:
        if created <= 0:
            return "", Severity.INFO
        return (_FINER, Severity.WARNING) if created > _SECONDS_BELOW else None
    if created is None or created == "(absent)":
        return "", Severity.WARNING
    return ", no integer,", Severity.WARNING if type(created) is float else Severity.ERROR
