"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import UTF8
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, chunk_of
from streamlab.wire.runs import Run

_BROKEN = "\ufffd"


class ReplacementCharInContent(Rule):
    """A character was cut in two and each half was sent as U+FFFD.

    In the text, in reasoning or in the arguments of a call. Said only when one delta ends with U+FFFD and the next
    begins with it: a model may write the character itself.

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

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._ends_broken: dict[Any, int] = {}  # choice index -> which event with content ended in U+FFFD

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        raw = event.sse.raw if event.sse is not None else b""
        if b"\xef\xbf\xbd" not in raw and b"\\ufffd" not in raw and b"\\uFFFD" not in raw:
            return None
        return list(self._judge(at, event))

    def passes(self, run: Run) -> bool:
        return b"\xef\xbf\xbd" not in run.raw and b"\\ufffd" not in run.raw and b"\\uFFFD" not in run.raw

    def _judge(self, at: int, event: StreamEvent) -> Findings:
        number = self.ctx.seen.content_events
        near = max(1, len(self.ctx.accumulator.choices))  # choices take turns
        for index, text, path in self.ctx.api.texts(chunk_of(event)):
            before = self._ends_broken.pop(index, None)
            if before is not None and number - before <= near and text.startswith(_BROKEN):
                yield self.found(
                    "U+FFFD ends one delta and begins the next: a character was cut in two",
                    at,
                    path=path,
                    actual=text,
                )
            if text.endswith(_BROKEN) and len(self._ends_broken) < 256:
                self._ends_broken[index] = number
