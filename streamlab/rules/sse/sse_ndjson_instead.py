"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.bodies import BodyKind
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact

_MOST_LINES = 1000


class SseNdjsonInstead(Rule):
    """JSON objects stand on lines of their own, without ``data: ``.

    Either the whole body (newline-delimited JSON, as Ollama's own API sends it) or one line inside an event stream,
    which is most often an error. A body that is a single JSON document is another deviation.

    ## What OpenAI does
    Puts ``data: `` in front of every object.

    ## Why it matters
    A line without a colon, or with an unknown name in front of it, is ignored by every client: the answer is empty, or
    the error is not noticed and a broken answer looks complete ({clients: any} measured clients lose it, {count: wrong}
    silently).

    ## Repair
    Each object becomes an event.
    """

    name = "sse-ndjson-instead"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.JUDGED
    on = Fact.LINES
    ends_after = on

    _first: Finding | None = None
    _lines = 0

    def event(self, at: int, event: StreamEvent) -> None:
        sse = event.sse
        if sse is None or b"{" not in sse.raw:
            return
        printed = sse.raw.lstrip().startswith((b"{\n", b"{\r"))  # over several lines
        if printed and self._look(at, event, sse.raw, sse.start):
            return
        for line in sse.filled_lines():
            if self._lines >= _MOST_LINES:
                self.retire()
                return
            if line.content.lstrip().startswith(b"{"):
                self._look(at, event, line.content, line.start)

    def _look(self, at: int, event: StreamEvent, content: bytes, start: int) -> bool:
        payload = decode_payload(content)
        if not (payload.ok and type(payload.value) is dict and not payload.faults and self._ours(payload.value)):
            return False
        self._lines += 1
        if self._first is None:
            text = content.decode("utf-8", "replace")
            said = f"a line of JSON without data: {quote(text)}"
            span = (start, start + len(content))
            self._first = self.placed(self.found(said, at, span=span, expected="data: {", actual=text), event)
        return True

    def _ours(self, value: dict[str, Any]) -> bool:
        """Whether the object belongs in an event stream: one of OpenAI's paths was asked, one is under way, or the
        object itself is of one. Ollama and Cohere send such lines by design."""
        return self.ctx.api_asked.judged or self.ctx.seen.data_events > 0 or self.ctx.recognise(value).judged

    def end(self, ending: Ending) -> Findings:
        whole = self.ctx.received.kind is BodyKind.NDJSON or self._lines > 1
        if self._first is not None and (whole or self.ctx.seen.data_events):
            yield self._first
