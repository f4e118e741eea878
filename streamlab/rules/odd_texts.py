"""For rules about a text that is not what the model said: somebody on the way took something else for it, or wrote it
otherwise. An API's own rules say where, and what is promised there."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import Fact, chunk_of
from streamlab.wire.runs import Run

#: Line ends written out, and the same behind the end of a line and in front of what begins one.
_RUN = lazy_pattern(r"(?:(?:\\r)?\\n)+")
_BETWEEN = lazy_pattern(r"(?:\A|(?<=[\w.:;!?,)*]))(?:(?:\\r)?\\n)+(?=[A-Z0-9#*>|\u2022-]|\Z)")
#: What people who speak of line ends write around them; in code there is no telling.
_QUOTED = ("`", "'\\", '"\\', "\\n'", '\\n"', "printf", "regex", "\\t", "\\\\")
_MARKER = "[DONE]"
#: Members that hold a piece of the answer's text.
_MEMBERS = frozenset({"content", "text", "delta"})
#: A model that writes an example of an event does it in many small deltas.
_FEW = 2
_LONGEST = 1 << 16


class TextRule(LateRule):
    """A rule that follows the pieces of the text and judges the whole of it at the end."""

    on = Fact.CONTENT | Fact.TEXT

    _place: Place | None = None

    def pieces(self, event: StreamEvent) -> Iterator[tuple[str, str]]:
        """What an event adds to the text, and the member that holds it."""
        for _, text, path in self.ctx.api.texts(chunk_of(event)):
            if path.rpartition(".")[2] in _MEMBERS:
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
        return "\n" not in run.text and (self._place is not None or "\\" not in run.text)

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
                self._place = self.keep(at, event, path) if text.strip() == _MARKER else None

    def passes(self, run: Run) -> bool:
        return self._place is None and not any(text.strip() == _MARKER for text in run.texts)

    def end(self, ending: Ending) -> Findings:
        for _, text in self.whole():
            if text.rstrip().endswith(_MARKER):
                alone = text.strip() == _MARKER
                said = "the whole text is [DONE]" if alone else "the text ends with [DONE] as a delta of its own"
                yield self.found_at(self._place, said, expected="the model's text", actual=_MARKER)
                return


class NestedEventRule(TextRule):
    """The text is the JSON of an event; `is_event` says of which."""

    answer_fact = "nested"

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
        if self._place is None or (self._pieces > _FEW and self._nested < self._pieces):
            self._place = None
            self.retire()

    def end(self, ending: Ending) -> Findings:
        for who, text in self.whole():
            if self._nested == self._pieces or self._is_nested(text):
                said = f"the whole text of {who} is the JSON of an event"
                yield self.found_at(self._place, said, expected="the model's text", actual=text[:_LONGEST])
                return

    def _is_nested(self, text: str) -> bool:
        text = bare_event(text)
        value = decode_payload(text.encode("utf-8", "surrogatepass")).value if len(text) <= _LONGEST else None
        return type(value) is dict and self.is_event(value)


def bare_event(text: str) -> str:
    """A text without the field names of an event."""
    text = text.lstrip()
    if text.startswith("event:"):
        text = text.partition("\n")[2]
    return text.removeprefix("data:").lstrip()
