"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Severity
from streamlab.rules.sources import UTF8
from streamlab.rules.state import RuleState
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, chunk_of
from streamlab.wire.runs import Run

_BROKEN = "\ufffd"
_WRITTEN = (b"\xef\xbf\xbd", b"\\ufffd", b"\\uFFFD")
_CUT = "U+FFFD ends one delta and begins the next: a character was cut in two"
_HALVES = lazy_pattern(r"(?<=[^\W\d_])\ufffd{2,4}(?=[^\W\d_])")


class ReplacementCharInContent(LateRule):
    """A character was cut in two and each half was sent as U+FFFD.

    In the text, in reasoning or in the arguments of a call. Said only when one delta ends with U+FFFD and the next
    begins with it: a model may write the character itself. A warning where several stand in the middle of a word, and
    the request is known and has none to be repeated.

    ## What OpenAI does
    Holds back the bytes of an unfinished character until the rest is there.

    ## Why it matters
    Every client holds ``\ufffd\ufffd`` in place of an emoji or a Chinese character, and nothing can bring it back.
    Servers that decode each token by itself do this (ctransformers, some deployments of DeepSeek), and gateways that
    decode each read.

    ## Repair
    None: the bytes are lost. Without streaming the same server often answers right.
    """

    name = "replacement-char-in-content"
    severity = Severity.ERROR
    source = UTF8
    answer_fact = "replacement-character"
    apis = Scope.JUDGED
    on = Fact.WIDE
    ends_after = Fact.WIDE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._ends_broken: dict[Any, int] = {}  # choice index -> which event with content ended in U+FFFD
        self._across: tuple[Place, str] | None = None  # where the halves stand in two choices, and what is there

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        raw = event.sse.raw if event.sse is not None else b""
        if not any(form in raw for form in _WRITTEN):
            return None
        return list(self._judge(at, event))

    def passes(self, run: Run) -> bool:
        return not any(form in run.raw for form in _WRITTEN)

    def _judge(self, at: int, event: StreamEvent) -> Findings:
        number = self.ctx.seen.content_events
        near = max(1, len(self.ctx.accumulator.choices))  # choices take turns
        said_there = self._may_be_repeated()
        for index, text, path in self.ctx.api.texts(chunk_of(event)):
            before = self._ends_broken.pop(index, None)
            if before is not None and number - before <= near and text.startswith(_BROKEN):
                yield self.found(_CUT, at, path=path, actual=text)
            elif not said_there and (halves := _HALVES.search(text)) is not None:
                yield self.found(
                    f"U+FFFD stands {len(halves[0])} times in a word: the bytes of a character were read apart",
                    at,
                    path=path,
                    actual=text,
                    severity=Severity.WARNING,
                )
            elif text.startswith(_BROKEN) and self._across is None and number - 1 in self._ends_broken.values():
                self._across = self.keep(at, event, path), text
            if text.endswith(_BROKEN) and len(self._ends_broken) < 256:
                self._ends_broken[index] = number

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if self._across is not None and one_answer(ctx.accumulator.choices, ctx.seen.finish_values, ctx.n):
            place, text = self._across
            yield self.found_at(place, _CUT, actual=text)

    def _may_be_repeated(self) -> bool:
        """Whether the model may have taken the character from its prompt, or nobody can say."""
        body = self.ctx.request.body if self.ctx.request is not None else None
        return body is None or any(form in body for form in _WRITTEN)
