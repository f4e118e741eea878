"""See the class."""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import JSON
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_SEPARATOR = lazy_pattern(rb"\xe2\x80[\xa8\xa9]|\xc2\x85")
_SEPARATORS = (b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xc2\x85")


class SseUnicodeLineSeparators(Rule):
    """The payload holds a raw U+2028, U+2029 or U+0085.

    Legal in JSON and in event streams, where only CR and LF end lines; told because other readers end lines there too.

    ## What OpenAI does
    Passes such characters on as the model writes them, which is rarely.

    ## Why it matters
    Readers built on Python's ``str.splitlines``, httpx's ``iter_lines`` or requests' ``iter_lines`` with
    ``decode_unicode`` cut the JSON in the middle: huggingface_hub 2.4 does, openai-node 4.28 did ("Unterminated
    string").

    ## Repair
    Written as ``\\u2028``, ``\\u2029`` or ``\\u0085``.
    """

    name = "sse-unicode-line-separators"
    needs_framing = True
    severity = Severity.INFO
    source = JSON
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.WIDE

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        sse = event.sse
        match = _SEPARATOR.search(sse.raw) if sse is not None else None
        if sse is None or match is None:
            return None
        code = f"U+{ord(match.group().decode()):04X}"
        span = (sse.start + match.start(), sse.start + match.end())
        return (self.found(f"the payload holds a raw {code}", at, span=span, expected="an escape", actual=code),)

    def passes(self, run: Run) -> bool:
        return not any(one in run.raw for one in _SEPARATORS)  # a tenth of a search
