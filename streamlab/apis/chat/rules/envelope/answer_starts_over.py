"""See the class."""

from __future__ import annotations

from typing import NamedTuple

from streamlab.apis.chat.restarts import ids_of_two, is_text_again, under_way
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_MOST = 64


class _Again(NamedTuple):
    """A choice says its role again: where, which choice, how much text it had, and whether the id is another too."""

    place: Place
    choice: int
    length: int
    ids: tuple[str, str] | None


class AnswerStartsOver(LateRule):
    """An answer starts over in the middle: another id, the role again, often the text from its start.

    Said where an id that was steady changes with the role while a choice is under way, or where the role comes again
    and the text from there on begins with all that came before.

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
    on = Fact.ENVELOPE | Fact.ROLE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._again: list[_Again] = []

    def event(self, at: int, event: StreamEvent) -> None:
        chunk = reading.chunk_of(event)
        if not reading.owes_envelope(chunk):
            return
        ids = ids_of_two(self.ctx, chunk)
        for position, choice in enumerate(reading.choices(chunk)):
            index = reading.choice_index(choice)
            if reading.delta(choice).get("role") and under_way(self.ctx, index) and len(self._again) < _MOST:
                length = len(str(self.ctx.accumulator.choices[index].content))
                place = self.keep(at, event, f"choices[{position}].delta.role")
                self._again.append(_Again(place, index, length, ids))

    def end(self, ending: Ending) -> Findings:
        for one in self._again:
            text = str(self.ctx.accumulator.choices[one.choice].content)
            twice = is_text_again(text, one.length)
            if one.ids is not None or twice:
                said = f"the answer starts over: choice {one.choice} says its role again"
                said += f", and the id changes from {quote(one.ids[0])} to {quote(one.ids[1])}" if one.ids else ""
                said += f"; its text begins anew, {quote(text[: one.length])}" if twice else ""
                yield self.found_at(one.place, said, expected="one answer", actual=text[-200:])
                return
