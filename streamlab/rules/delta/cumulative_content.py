"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.expectations.sources import CHAT_CHUNK_DELTA
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.late import LateRule, Place
from streamlab.wire import reading
from streamlab.wire.apis import Api
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_GROWTHS = 2
_SHORTEST = 8


class CumulativeContent(LateRule):
    """Every delta holds the whole text so far instead of what is new.

    ## What OpenAI does
    Sends in each delta what the model has added since the last one.

    ## Why it matters
    Every client joins the deltas, so the user reads ``HelloHello worldHello world, how``; measured with all 34 clients,
    none of which raises.

    ## Repair
    Each delta is cut down to what it adds.
    """

    name = "cumulative-content"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repair = Mend.SAFE
    apis = frozenset({Api.CHAT, Api.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT

    _last = ""
    _growths = 0
    _place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        """Follows the first choice; one delta that does not repeat the one before settles it."""
        listed = reading.choices(reading.chunk_of(event))
        if not listed or reading.choice_index(listed[0]) != 0:
            return
        text = reading.content(reading.delta(listed[0])) or listed[0].get("text")
        if type(text) is not str or not text:
            return
        if not text.startswith(self._last):
            self._growths = 0
            self.retire()
            return
        if self._last and len(text) > len(self._last):
            self._growths += 1
            if self._place is None:
                self._place = self.keep(
                    at, event, "choices[0].delta.content" if "delta" in listed[0] else "choices[0].text"
                )
        self._last = text

    def end(self, ending: Ending) -> Findings:
        if self._growths >= _GROWTHS and len(self._last) >= _SHORTEST:
            yield self.found_at(
                self._place,
                f"each delta repeats the whole text so far, up to {quote(self._last)}",
                expected="what is new",
                actual=self._last,
            )
