"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent, Undecodable
from streamlab.wire.inserted import junk_before_data
from streamlab.wire.reading import Fact

_MOST = 10_000
_FIELD_NAME = lazy_pattern(rb"[a-z][\w-]*")
_FIELDS = frozenset({b"data", b"event", b"id", b"retry", b"error"})


class SseStrayLine(Rule):
    """A line of plain text stands among the events.

    By the standard it is a field with a name nobody knows, and ignored. JSON on a line of its own is another deviation,
    and so is a body that holds no event at all.

    ## What OpenAI does
    Sends ``data:`` lines, and comments that begin with a colon.

    ## Why it matters
    Clients ignore it. Something on the way writes into the stream what belongs into a log, an error perhaps; what it
    writes next may hit the middle of a chunk.

    ## Repair
    Written as a comment.
    """

    name = "sse-stray-line"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    on = Fact.LINES | Fact.COMMENT
    ends_after = on

    _first: Finding | None = None
    _lines = 0

    def event(self, at: int, event: StreamEvent) -> None:
        sse = event.sse
        if sse is None or isinstance(event, Undecodable) or self._lines > _MOST:
            return
        if sse.raw.lstrip().startswith((b"{\n", b"{\r")):
            return  # JSON that is printed over several lines
        for name, value, colon, _space, line in sse.fields():
            text = line.content
            if not name.strip() or name.strip().lower() in _FIELDS or text.lstrip()[:1] in (b"{", b"}", b"[", b"]"):
                continue
            if colon and _FIELD_NAME.fullmatch(name) is not None:
                continue  # a field that nobody knows, as the standard allows
            if colon and (value.lstrip()[:1] in (b"{", b"[") or junk_before_data(text) is not None):
                continue  # a payload under another name
            if text.rstrip()[-1:] in (b"}", b"]"):
                continue  # the rest of one that is torn
            self._lines += 1
            if self._first is None:
                span = (line.start, line.start + len(text))
                said = f"a line of text that is no field: {quote(text[:80].decode('utf-8', 'replace'))}"
                self._first = self.placed(self.found(said, at, span=span, actual=text[:80]), event)

    def end(self, ending: Ending) -> Findings:
        if self._first is not None and self.ctx.seen.data_events:
            yield self._first
