"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.numbering import Numbered, numbered
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind

_PAIRS, _DIFFERENT = 4, 3


class ChunksSentTwice(LateRule):
    """Each chunk of the answer comes twice in a row.

    Said where the text of the whole answer comes in pairs, four at least, without one that has no twin: that is no way
    to speak.

    ## What OpenAI does
    Sends each chunk once.

    ## Why it matters
    Two writers hold the same connection, or a relay forwards each event and its own copy of it. Every client joins
    what comes, so the user reads ``HelloHello there there``.

    ## Repair
    None: while the answer goes on nobody can tell a copy from a word that is said twice.
    """

    name = "chunks-sent-twice"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT | Fact.REASONING

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._said: list[str] = []  # one of each pair; the last may still be alone
        self._alone = False
        self._pairs = 0
        self._place: Place | None = None
        self._numbered = False  # whether a choice has another number than 0

    def event(self, at: int, event: StreamEvent) -> None:
        """One piece that is followed by another settles it."""
        listed = reading.choices(reading.chunk_of(event))
        delta = reading.delta(listed[0]) if listed else {}
        said = reading.content(delta) or reading.reasoning(delta) or (listed[0].get("text") if listed else "")
        if type(said) is not str or not said:
            return
        if len(listed) != 1:
            self._pairs = 0
            self.retire()  # several choices say the same
            return
        self._numbered = self._numbered or reading.choice_index(listed[0]) != 0
        if not self._alone:
            self._alone, self._said = True, [*self._said[-_DIFFERENT:], said]
            return
        if said != self._said[-1]:
            self._pairs = 0
            self.retire()
            return
        self._alone = False
        self._pairs += 1
        self._place = self._place or self.keep(at, event)

    def passes(self, run: Run) -> bool:
        return run.template.varying.text is TextKind.NOTHING

    def end(self, ending: Ending) -> Findings:
        if self._numbered and numbered(self.ctx) is Numbered.ALTERNATIVES:
            return  # several choices say the same
        if self._pairs >= _PAIRS and not self._alone and len(set(self._said)) >= _DIFFERENT:
            yield self.found_at(
                self._place,
                f"each chunk comes twice: {self._pairs} pieces of text, and a twin right behind each",
                expected="each chunk once",
            )
