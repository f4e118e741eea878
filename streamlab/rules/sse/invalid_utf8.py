"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs.characters import is_parted
from streamlab.rules.sources import UTF8
from streamlab.wire.events import Chunk, Comment, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.reading import Fact
from streamlab.wire.sse import ServerSentEvent


class InvalidUtf8(Rule):
    """An event is not valid UTF-8.

    Judged on whole events: a character that a network read happens to cut is no fault of the server. A character
    whose bytes are dealt out over two events is.

    ## What OpenAI does
    Sends valid UTF-8 and holds back the bytes of an unfinished character until the rest is there.

    ## Why it matters
    openai-python and everything built on it raises UnicodeDecodeError in the middle of the stream; JavaScript clients
    show U+FFFD ({clients: raises} measured clients raise, {count: wrong} show wrong text). Byte-fallback tokenizers do
    this.

    ## Repair
    A character that is dealt out over two events is joined in the second. Bytes that UTF-8 has nowhere (0xFF) are taken
    out from between those of a character; other bytes cannot be read and are lost.
    """

    name = "invalid-utf8"
    needs_framing = True
    severity = Severity.ERROR
    source = UTF8
    of_some = Repairability.SAFE
    apis = Scope.EVERY
    on = Fact.FAULTS | Fact.UNDECODABLE | Fact.ERROR | Fact.COMMENT

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or sse.raw.isascii() or not _may_be_judged(event):
            return
        wrong = _first_wrong(sse)
        if wrong is None or (not sse.terminated and sse.raw.endswith(wrong[1])):
            return  # the end of the body cut a character
        start, bytes_there, cut = wrong
        hint = ", the beginning of a character whose rest is not there" if cut else ""
        yield self.found(
            f"the bytes {bytes_there.hex(' ')} are not UTF-8{hint}",
            at,
            span=(sse.start + start, sse.start + start + len(bytes_there)),
            expected="UTF-8",
            actual=bytes_there.hex(" "),
            repairability=Repairability.SAFE if cut or is_parted(sse.raw, start) else Repairability.NONE,
        )


def _may_be_judged(event: StreamEvent) -> bool:
    """Not a body that is no event stream at all."""
    if isinstance(event, Comment):
        sse = event.sse
        return sse.terminated and (bool(sse.comments) or (sse.event, sse.id, sse.retry) != (None, None, None))
    return isinstance(event, Chunk | ErrorPayload | Undecodable)


def _first_wrong(sse: ServerSentEvent) -> tuple[int, bytes, bool] | None:
    """Where the first bytes that are not UTF-8 stand, those bytes, whether a string ends inside a character there."""
    try:
        sse.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        there = sse.raw[error.start : error.end]
        cut = error.reason != "invalid start byte" and sse.raw[error.end : error.end + 1] in (b'"', b"")
        return error.start, there, cut
    return None
