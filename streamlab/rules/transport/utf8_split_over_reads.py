"""See the class."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import UTF8
from streamlab.wire.binary_frames import is_framed
from streamlab.wire.bodies import coding_of

#: A stream in at least this many reads of at most this many bytes on average is told as well.
_MANY_READS, _TINY = 64, 4

#: Bytes at the start that tell a compressed body.
_MAGIC = 14
_last_byte = itemgetter(-1)


class Utf8SplitOverReads(Rule):
    """A read ends in the middle of a character, or all reads are so small that they cut everything.

    Legal: only readers that decode every read by itself fail. A stream that ends within a character is another
    matter. Not judged on compressed bodies, whose reads cut nothing a reader sees.

    ## What OpenAI does
    Sends an event at a time; where the network cuts is nobody's doing.

    ## Why it matters
    vLLM's own benchmark client failed with a UnicodeDecodeError on 0.4 % of requests; several gateways put U+FFFD into
    the answer instead. {clients: none} measured clients decode across reads.

    ## Repair
    Sent on event by event.
    """

    name = "utf8-split-over-reads"
    needs_framing = True
    severity = Severity.INFO
    source = UTF8
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    needs_timing = True  # where nobody noted when reads came, nobody noted where they ended

    _open = False  # whether the read before ended in the middle of a character
    _read = 0  # bytes so far
    _start = b""

    def segment(self, offset_us: int | None, data: bytes) -> Findings | None:
        if len(self._start) < _MAGIC:
            self._start += data[:_MAGIC]
        if not data or (data[-1] < 0x80 and not self._open):
            self._read += len(data)
            return None
        cut = self._read if self._open and 0x80 <= data[0] < 0xC0 else None
        self._read += len(data)
        self._open = data[-1] >= 0x80 and _ends_open(data[-4:]) and not self._coded
        if cut is None:
            return None
        message = f"a read ends in the middle of a character, after {cut} bytes"
        return (self.found(message, path="(read)", span=(max(0, cut - 3), cut)),)

    def segments(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> bool:
        if self._open or len(self._start) < _MAGIC or not all(data) or max(map(_last_byte, data)) >= 0x80:
            return False
        self._read += sum(map(len, data))
        return True

    @property
    def _coded(self) -> bool:
        head = self.ctx.head
        named = head is not None and head.header("content-encoding") is not None
        return named or coding_of(self._start) is not None or is_framed(self._start)

    def end(self, ending: Ending) -> Findings:
        reads, size = self.ctx.received.segments, self.ctx.received.body_bytes
        if reads >= _MANY_READS and size <= _TINY * reads and not self._coded:
            yield self.found(
                f"the body came in {reads} reads of {size / reads:.1f} bytes on average: "
                "characters, lines and events are cut everywhere"
            )


def _ends_open(tail: bytes) -> bool:
    """Whether the last bytes are the beginning of a character that needs more."""
    for back in range(1, min(4, len(tail)) + 1):
        byte = tail[-back]
        if byte >= 0xC0:
            return back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
        if byte < 0x80:
            return False
    return False
