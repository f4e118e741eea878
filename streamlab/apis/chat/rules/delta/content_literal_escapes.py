"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

#: Line ends written out, and the same behind the end of a line and in front of what begins one.
_RUN = lazy_pattern(r"(?:(?:\\r)?\\n)+")
_BETWEEN = lazy_pattern(r"(?:\A|(?<=[\w.:;!?,)*]))(?:(?:\\r)?\\n)+(?=[A-Z0-9#*>|\u2022-]|\Z)")
#: What people who speak of line ends write around them; in code there is no telling.
_QUOTED = ("`", "'\\", '"\\', "\\n'", '\\n"', "printf", "regex", "\\t", "\\\\")


class ContentLiteralEscapes(LateRule):
    """Line ends come as the two characters ``\\`` and ``n``.

    Told where a text has such line ends between its sentences and not one real one, and speaks of no code.

    ## What OpenAI does
    Sends the text as the model made it; its line ends are ``\\n`` in the JSON, and line ends once it is read.

    ## Why it matters
    Somebody escaped the text twice. Every client shows ``First.\\nSecond.``, and lists, tables and code run together.

    ## Repair
    None: a text may mean those two characters.
    """

    name = "content-literal-escapes"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    answer_fact = "literal-escapes"
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._place: Place | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        for choice in reading.choices(reading.chunk_of(event)):
            text = reading.content(reading.delta(choice)) or choice.get("text")
            if type(text) is not str:
                continue
            if "\n" in text:
                self._place = None
                self.retire()  # a real one came through
                return
            if self._place is None and "\\" in text:
                self._place = self.keep(at, event)

    def passes(self, run: Run) -> bool:
        return "\n" not in run.text and (self._place is not None or "\\" not in run.text)

    def end(self, ending: Ending) -> Findings:
        if self._place is None:
            return
        for state in self.ctx.accumulator.choices.values():
            text = str(state.content)
            if "\n" in text or any(sign in text for sign in _QUOTED):
                continue
            written = len(_RUN.findall(text))
            if written and written == len(_BETWEEN.findall(text)) and _RUN.sub("", text).strip():
                yield self.found_at(
                    self._place,
                    f"the text of choice {state.index} has line ends written out as a backslash and n: {quote(text)}",
                    expected="line ends",
                    actual=text,
                )
                return
