"""What the rules of Ollama's streams share: the last line of a body."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Rule
from streamlab.rules.sources import Source
from streamlab.rules.state import RuleState
from streamlab.wire.payload import decode_payload

OLLAMA_STREAMING = Source("Ollama documentation", "Streaming", "https://docs.ollama.com/api/streaming")
#: Bytes of the last line that are kept; of a longer one nothing is said.
_MOST = 256 * 1024


class LastLineRule(Rule):
    """A rule about the last line of a stream of JSON lines that came to its end."""

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._tail = b""

    def segment(self, offset_us: int | None, data: bytes) -> None:
        self._tail = (self._tail + data)[-_MOST:]

    def last_line(self, ending: Ending) -> bytes:
        """The last line; nothing where the body was compressed, broke off, or is no stream of JSON lines."""
        ctx = self.ctx
        coded = ctx.head is not None and ctx.head.header("content-encoding") is not None
        if coded or ending is not Ending.COMPLETE or not ctx.streamed:
            return b""
        last = self._tail.rstrip().rpartition(b"\n")[2].strip()
        return last if last.startswith(b"{") and len(last) < _MOST else b""

    @staticmethod
    def read(line: bytes) -> dict[str, object] | None:
        """The object that a line begins with; None where it is none."""
        value = decode_payload(line).value
        return value if type(value) is dict else None

    @classmethod
    def read_whole(cls, line: bytes) -> dict[str, object] | None:
        """The object that a line is; None where more stands behind it, as where an object was put over two lines."""
        return None if decode_payload(line).faults else cls.read(line)
