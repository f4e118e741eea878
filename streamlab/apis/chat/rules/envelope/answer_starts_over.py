"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.restarts import (
    first_again,
    has_said,
    ids_of_two,
    is_text_again,
    may_be_again,
    new_id,
    says_all_at_the_end,
)
from streamlab.exchange import Ending
from streamlab.record import Record
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind

_MOST = 64


class _Again(Record, frozen=True):
    """What may begin another answer: where, in which choice, how much text that had, and what speaks for it."""

    place: Place
    choice: int
    length: int
    ids: tuple[str, str] | None
    role: bool
    sure: bool  # whether role and id alone say so


def _tells_a_role(chunk: JsonObject) -> bool:
    return any(reading.delta(choice).get("role") for choice in reading.choices(chunk))


class AnswerStartsOver(LateRule):
    """An answer starts over in the middle: another id, the role again, often the text from its start.

    Said where an id that was steady changes with the role while a choice is under way, or where one of the two comes
    again and the text from there on begins with all that came before.

    ## What OpenAI does
    Sends one answer in a stream. A request that fails is the client's to ask again.

    ## Why it matters
    A gateway lost its upstream, asked again, and sent the second try behind the first. Clients join both: text stands
    there twice, the arguments of a call are no JSON.

    ## Repair
    None: which of the two was meant, nobody can say. The ids stay as they are, so that the seam can be seen.
    """

    name = "answer-starts-over"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    answer_fact = "starts-over"
    on = Fact.ENVELOPE | Fact.ROLE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._again: list[_Again] = []

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if len(self._again) >= _MOST or not self.ctx.accumulator.choices:
            return
        changed = new_id(self.ctx, chunk)
        if not (changed or _tells_a_role(chunk)) or not reading.owes_envelope(chunk):
            return
        ids = ids_of_two(self.ctx, chunk)
        for position, choice in enumerate(reading.choices(chunk)):
            index = reading.choice_index(choice)
            told = bool(reading.delta(choice).get("role"))
            if not (told or changed) or len(self._again) >= _MOST:
                continue
            if not has_said(self.ctx, index) or not (ids or self._may_be_again(index, reading.delta(choice))):
                continue
            text = str(self.ctx.accumulator.choices[index].content)
            if not says_all_at_the_end(choice, text):
                place = self.keep(at, event, f"choices[{position}].delta.role" if told else "id")
                self._again.append(_Again(place, index, len(text), ids or changed, told, ids is not None))

    def passes(self, run: Run) -> bool:
        return self.odd(run) is None

    def odd(self, run: Run) -> int | None:
        chunk, varying = run.template.chunk, run.template.varying
        if len(self._again) >= _MOST or not _tells_a_role(chunk):
            return None
        state = self.ctx.accumulator.choices.get(varying.choice)
        if state is None:
            return 0
        if varying.text is TextKind.CONTENT:
            return first_again(state.content, run.texts)
        return 0 if self._may_be_again(varying.choice, {}) else None

    def _may_be_again(self, index: int, delta: JsonObject) -> bool:
        """Whether the text of a choice may begin anew with what this delta adds: such a place is kept once."""
        text, piece = self.ctx.accumulator.choices[index].content, delta.get("content", "")
        if piece and type(piece) is not str:
            return True
        last = self._again[-1] if self._again else None
        known = last is not None and last.choice == index and last.length == len(str(text))
        return may_be_again(text, piece or "") and not known

    def end(self, ending: Ending) -> Findings:
        for one in self._again:
            text = str(self.ctx.accumulator.choices[one.choice].content)
            twice = is_text_again(text, one.length)
            if one.sure or twice:
                signs = [f"choice {one.choice} says its role again"] if one.role else []
                signs += [f"the id changes from {quote(one.ids[0])} to {quote(one.ids[1])}"] if one.ids else []
                said = f"the answer starts over: {', and '.join(signs)}"
                said += f"; its text begins anew, {quote(text[: one.length])}" if twice else ""
                yield self.found_at(one.place, said, expected="one answer", actual=text[-200:])
                return
