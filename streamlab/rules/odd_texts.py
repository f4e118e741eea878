"""For rules about a text that is not what the model said: somebody on the way took something else for it, or wrote it
otherwise, or again. An API's own rules say where, and what is promised there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import Fact, chunk_of
from streamlab.wire.runs import Run, TextKind

#: Line ends written out, and the same behind the end of a line and in front of what begins one.
_RUN = lazy_pattern(r"(?:(?:\\r)?\\n)+")
_BETWEEN = lazy_pattern(r"(?:\A|(?<=[\w.:;!?,)*]))(?:(?:\\r)?\\n)+(?=[A-Z0-9#*>|\u2022-]|\Z)")
#: What people who speak of line ends write around them; in code there is no telling.
_QUOTED = ("`", "'\\", '"\\', "\\n'", '\\n"', "printf", "regex", "\\t", "\\\\")
#: By which chat completions end a stream.
MARKER = "[DONE]"
#: Members that hold a piece of the answer's text.
_MEMBERS = frozenset({"content", "text", "delta"})
#: In so few deltas no model writes an example of an event.
_FEW = 2
_LONGEST = 1 << 16
#: How often a text has to come again with more behind it, and how long it gets, before it is no coincidence.
GROWTHS, SHORTEST = 2, 8


def is_marker(text: str) -> bool:
    """Whether a text is the end marker, and nothing else but blanks."""
    return text.strip() == MARKER


class TextRule(LateRule):
    """A rule that follows the pieces of the text and judges the whole of it at the end."""

    on = Fact.CONTENT | Fact.TEXT

    _place: Place | None = None

    def pieces(self, event: StreamEvent) -> Iterator[tuple[str, str]]:
        """What an event adds to the text, and the member that holds it."""
        for _, text, path in self.ctx.api.texts(chunk_of(event)):
            if text and path.rpartition(".")[2] in _MEMBERS:
                yield text, path

    def whole(self) -> Iterator[tuple[str, str]]:
        """The texts, and whose each is; only of a place that was kept."""
        if self._place is not None:
            yield from ((who, text) for who, _, text, _ in self.ctx.said())


class LiteralEscapesRule(TextRule):
    """Line ends come as the two characters ``\\`` and ``n``, between sentences, and not one real one."""

    answer_fact = "literal-escapes"

    def event(self, at: int, event: StreamEvent) -> None:
        for text, path in self.pieces(event):
            if "\n" in text:
                self._place = None
                self.retire()  # a real one came through
                return
            if self._place is None and "\\" in text:
                self._place = self.keep(at, event, path)

    def passes(self, run: Run) -> bool:
        return self.odd(run) is None

    def odd(self, run: Run) -> int | None:
        signs = ("\n",) if self._place is not None else ("\n", "\\")
        places = [at for at in map(run.text.find, signs) if at >= 0]
        return run.event_with(min(places)) if places else None

    def end(self, ending: Ending) -> Findings:
        for who, text in self.whole():
            if "\n" in text or any(sign in text for sign in _QUOTED):
                continue
            written = len(_RUN.findall(text))
            if written and written == len(_BETWEEN.findall(text)) and _RUN.sub("", text).strip():
                said = f"the text of {who} has line ends written out as a backslash and n: {quote(text)}"
                yield self.found_at(self._place, said, expected="line ends", actual=text)
                return


class DoneMarkerRule(TextRule):
    """The last delta of the text is ``[DONE]``, by which other APIs end their streams, and nothing else."""

    answer_fact = "done-in-text"

    def event(self, at: int, event: StreamEvent) -> None:
        for text, path in self.pieces(event):
            if text.strip():
                self._place = self.keep(at, event, path) if is_marker(text) else None

    def passes(self, run: Run) -> bool:
        if self._place is not None:
            return False
        return MARKER not in run.text or not any(map(is_marker, run.texts))

    def end(self, ending: Ending) -> Findings:
        for _, text in self.whole():
            if text.rstrip().endswith(MARKER):
                alone = is_marker(text)
                said = "the whole text is [DONE]" if alone else "the text ends with [DONE] as a delta of its own"
                yield self.found_at(self._place, said, expected="the model's text", actual=MARKER)
                return


class NestedEventRule(TextRule):
    """The text is the JSON of an event; `is_event` says of which.

    A model that writes an example of one does it in many small deltas: judged is a text that comes in one or two, or
    each delta of which is an event.
    """

    answer_fact = "nested"
    what: ClassVar[str] = "an event"

    _pieces = _nested = 0

    def is_event(self, value: JsonObject) -> bool:
        """Whether this is an event of the API, or of another one that it may have been made of."""
        return value.get("object") == "chat.completion.chunk"

    def event(self, at: int, event: StreamEvent) -> None:
        for text, path in self.pieces(event):
            self._pieces += 1
            if bare_event(text).startswith("{"):
                self._place = self._place or self.keep(at, event, path)
                self._nested += self._is_nested(text)
        if self._pieces and (self._place is None or (self._pieces > _FEW and self._nested < self._pieces)):
            self._place = None
            self.retire()

    def end(self, ending: Ending) -> Findings:
        for who, text in self.whole():
            if self._nested == self._pieces or self._is_nested(text):
                said = f"the whole text of {who} is the JSON of {self.what}"
                yield self.found_at(self._place, said, expected="the model's text", actual=text[:_LONGEST])
                return

    def _is_nested(self, text: str) -> bool:
        text = bare_event(text)
        value = decode_payload(text.encode("utf-8", "surrogatepass")).value if len(text) <= _LONGEST else None
        return type(value) is dict and self.is_event(value)


class CumulativeRule(LateRule):
    """Every delta of a text holds all of it so far; a rule says which text it is."""

    what: ClassVar[str] = "text"

    _last = ""
    _grown = ""  # the last delta that held more than the one before
    _growths = 0
    _place: Place | None = None
    _there = ""  # the text at that place

    def said(self, event: StreamEvent) -> tuple[str, str]:
        """What an event adds to the text, "" for nothing, and the member that holds it."""
        raise NotImplementedError

    def event(self, at: int, event: StreamEvent) -> None:
        """One delta that does not repeat the one before settles it."""
        text, path = self.said(event)
        if not text:
            return
        if not text.startswith(self._last):
            self._growths = 0
            self.retire()
            return
        if self._last and len(text) > len(self._last):
            self._growths += 1
            self._grown = text
            if self._place is None:
                self._place, self._there = self.keep(at, event, path), text
        self._last = text

    def passes(self, run: Run) -> bool:
        """The same text again and again settles nothing, nor does none."""
        return run.template.varying.text is TextKind.NOTHING or run.texts.count(self._last) == len(run.texts)

    def end(self, ending: Ending) -> Findings:
        if self._growths >= GROWTHS and len(self._grown) >= SHORTEST:
            said = f"each delta repeats the whole {self.what} so far, up to {quote(self._grown)}"
            yield self.found_at(self._place, said, expected="what is new", actual=self._there)


def bare_event(text: str) -> str:
    """A text without the field names of the event that it is."""
    text = text.lstrip()
    if text.startswith("event:"):
        text = text.partition("\n")[2]
    return text.removeprefix("data:").lstrip()
