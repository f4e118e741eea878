"""See the class."""

from __future__ import annotations

import re
from collections import Counter

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run
from streamlab.wire.told_deltas import meant_delta

#: A comment line and the line end behind it; one that says it is processing no model writes.
_COMMENT = lazy_pattern(
    r":[ \t]?(?:[A-Z]{2,20} (?P<sure>PROCESSING)|(?:sse[ _-])?(?:keep[ _-]?alive|heart[ _-]?beat|ping|pong))[ \t]*\n+",
    re.IGNORECASE,
)
#: A text about the protocol, or one with code, may mean what it says.
_SPEAKS = lazy_pattern(
    r"`|data:|event:|stream|\bcomments?\b|\bsse\b|server-sent|keep.?alive|heart.?beat|\bping\b", re.IGNORECASE
)
#: Scripts that are written with zero-width characters.
_WRITTEN = lazy_pattern("[\u0600-\u06ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
#: Those that join nothing and part nothing that is seen; joiners stand in emoji and in some scripts.
_UNSEEN = "\u200b\u2060\ufeff"
_OFTEN, _UNSEEN_OFTEN = 2, 3
_MOST_KINDS = 16


class ContentHoldsKeepalive(LateRule):
    """A keep-alive arrives as text, in deltas of its own: a comment line, or a character that nobody sees.

    Told where it is certain: the comment comes twice or more, once in the middle of a line, and the text speaks neither
    of the protocol nor of code; a zero-width character alone comes three times or more, in a script without any.

    ## What OpenAI does
    Sends the model's text and nothing else.

    ## Why it matters
    Every client shows ``: keep-alive`` in the answer. Zero-width characters stay in what is copied, compared or parsed.

    ## Repair
    None: by itself, each delta could be what the model said.
    """

    name = "content-holds-keepalive"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._found: dict[str, Place] = {}
        self._count: Counter[str] = Counter()
        self._inside: set[str] = set()  # comments that came in the middle of a line

    def event(self, at: int, event: StreamEvent) -> None:
        for choice in reading.choices(reading.chunk_of(event)):
            text = _text_of(choice)
            if not _may_be(text) or (len(self._count) >= _MOST_KINDS and text not in self._count):
                continue
            self._found.setdefault(text, self.keep(at, event))
            self._count[text] += 1
            state = self.ctx.accumulator.choices.get(reading.choice_index(choice))
            before = str(state.content) if state is not None and text not in self._inside else ""
            numbers = any(type(delta.get("content")) in (int, float) for delta in self._deltas_before())
            if numbers or (before and not before.endswith("\n")):
                self._inside.add(text)

    def _deltas_before(self) -> list[JsonObject]:
        return reading.deltas(self.ctx.seen.last_chunk or {})

    def passes(self, run: Run) -> bool:
        plain = run.text.isascii() and ":" not in run.text
        return plain or not any(map(_may_be, run.texts))

    def end(self, ending: Ending) -> Findings:
        said = "".join(str(state.content) for state in self.ctx.accumulator.choices.values()) if self._count else ""
        rest = said
        for text in self._count:
            rest = rest.replace(text, "")
        for text, count in self._count.items():
            if self._is_certain(text, count, rest):
                unseen = not text.strip(_UNSEEN)
                what = f"{'a character that nobody sees' if unseen else 'a keep-alive comment'} is the text of"
                yield self.found_at(
                    self._found[text],
                    f"{what} {count} delta{'s' if count > 1 else ''}: {quote(text)}",
                    expected=": keep-alive, as a line of its own outside of data",
                    actual=text,
                    severity=Severity.WARNING if unseen else None,
                )

    def _is_certain(self, text: str, count: int, rest: str) -> bool:
        if not text.strip(_UNSEEN):
            return count >= _UNSEEN_OFTEN and rest.strip() != "" and not _WRITTEN.search(rest)
        match = _COMMENT.fullmatch(text)
        often = count >= _OFTEN or (match is not None and match["sure"] is not None)
        return often and text in self._inside and not _SPEAKS.search(rest)


def _text_of(choice: JsonObject) -> str:
    text = reading.content(meant_delta(choice)) or choice.get("text")
    return text if type(text) is str else ""


def _may_be(text: str) -> bool:
    if text[:1] == ":":
        return len(text) <= 80 and _COMMENT.fullmatch(text) is not None
    return text != "" and len(text) <= 4 and not text.strip(_UNSEEN)
