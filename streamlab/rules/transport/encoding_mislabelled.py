"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import HTTP
from streamlab.wire import bodies
from streamlab.wire.bodies import BodyKind
from streamlab.wire.left_chunks import CODING as CHUNKED


class EncodingMislabelled(Rule):
    """Content-Encoding does not say how the body is encoded.

    The header names a coding the body is not in (or one nobody knows), the coded data is damaged, or the body is
    compressed and no header says so. HTTP's own chunks, with their sizes, left in the body are the same fault.

    ## What OpenAI does
    Sends what the header says.

    ## Why it matters
    Clients decode before they read: {clients: raises} measured clients raise at the first byte. Sizes of chunks in the
    body break RFC 9112 (section 7.1): they tear events where a chunk ends in the middle of one, and are skipped as
    lines of no field elsewhere.

    ## Repair
    When the body is readable as it stands, the header is dropped; when it is compressed and no header says so, it is
    decompressed; sizes of chunks are taken out. Damaged data is lost.
    """

    name = "encoding-mislabelled"
    needs_framing = True
    severity = Severity.ERROR
    source = HTTP
    of_some = Repairability.SAFE
    apis = Scope.EVERY
    statuses = ANY_STATUS

    _raw = b""

    def segment(self, offset_us: int | None, data: bytes) -> None:
        self._raw += data[: 256 - len(self._raw)]
        if len(self._raw) >= 256:
            self.retire_reads()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        coding = ctx.head.header("content-encoding") if ctx.head is not None else None
        if ctx.received.framed:
            return
        fault = ctx.received.coding_fault
        name = bodies.coding_of(self._raw)
        if name is not None and (coding or "identity").strip().lower() == "identity":
            safe = Repairability.SAFE if fault is None else Repairability.NONE
            said = f"the body is {name}, but no Content-Encoding says so"
            if name == CHUNKED:
                said = (
                    f"HTTP's chunks are left in the body: it begins with {quote(self._raw[:40].decode('latin-1'), 60)}"
                )
            yield self._found(said, name, coding, safe)
        elif fault is None:
            return
        elif not fault.startswith("decoding stopped"):
            plain = not ctx.received.decoded_bytes and bodies.sniff(self._raw) in (
                BodyKind.SSE,
                BodyKind.JSON,
                BodyKind.NDJSON,
            )
            if plain:
                yield self._found(
                    f"the body is labelled {quote(coding)} and not encoded", None, coding, Repairability.SAFE
                )
            else:
                where = (
                    f"breaks after {ctx.received.decoded_bytes} bytes"
                    if ctx.received.decoded_bytes
                    else "cannot be decoded"
                )
                yield self._found(f"the body labelled {quote(coding)} {where}: {fault}", None, coding)

    def _found(
        self, message: str, expected: str | None, actual: str | None, repairability: Repairability = Repairability.NONE
    ) -> Finding:
        return self.found(
            message, path="content-encoding", expected=expected, actual=actual, repairability=repairability
        )
