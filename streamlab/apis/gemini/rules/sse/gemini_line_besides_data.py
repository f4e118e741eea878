"""See the class."""

from __future__ import annotations

from streamlab.apis.gemini.expectations import GEMINI_OBSERVED
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.sse import Line, ServerSentEvent

#: The fields of the standard beside data; a comment has no name.
_OTHER_FIELDS = frozenset({b"", b"event", b"id", b"retry"})
_NO_SPACE = "no space after the colon"


class GeminiLineBesidesData(Rule):
    """An event of a Gemini stream is not one line ``data: …``: a comment, another field, no space, or more lines.

    ## What Google does
    Sends one line ``data: …`` an event and nothing else: 83 of 83 recorded event streams.

    ## Why it matters
    The standard allows all of it, and Google's own SDKs do not read it. Measured with google-genai 3.6.1 (Python) and
    @google/genai 2.32.0: the Python SDK raises ``UnknownApiResponseError`` at a comment, at ``event:``, ``id:`` and
    ``retry:``, and at ``data:`` without a space, so a keep-alive of a proxy ends the answer. The JavaScript SDK loses
    every event that has an ``event:`` line without a word, and raises where a comment stands in an event and where data
    has several lines. A space that is missing, and nothing else, is only told: one of the two minds it.

    ## Repair
    None here. Translated (``--to chat``), the events are framed anew.
    """

    name = "gemini-line-besides-data"
    needs_framing = True
    severity = Severity.ERROR
    source = GEMINI_OBSERVED
    on = Fact.COMMENT | Fact.FRAMING
    alike = True
    variants = ("lines without data", "beside data", _NO_SPACE, "several data lines")

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        odd = None if sse is None else _odd_line(sse)
        if odd is not None:
            line, variant = odd
            shown = line.content.decode("utf-8", "replace")
            span = (line.start, line.start + len(line.content))
            message = f"the line {quote(shown)} is not the only one of its event, or no 'data: …'"
            grade = Severity.INFO if variant == _NO_SPACE else None
            yield self.found(
                message, at, span=span, expected="one line data: …", actual=shown, variant=variant, severity=grade
            )


def _odd_line(sse: ServerSentEvent) -> tuple[Line, str] | None:
    """The first line that Google's SDKs do not read, and in which way."""
    seen = False
    for name, value, _, space, line in sse.fields():
        if name in _OTHER_FIELDS:
            return line, "lines without data" if sse.data is None else "beside data"
        if name != b"data":
            continue  # no event stream, such as the array that Google sends without alt=sse, or a stray line
        if seen:
            return line, "several data lines"
        if value and not space:
            return line, _NO_SPACE
        seen = True
    return None
