"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import AWS_FRAMES
from streamlab.rules.whole import Whole
from streamlab.wire.binary_frames import MEDIA_TYPE, FrameFault, is_labelled

_SHOWN = 24


class BinaryLengthsCorrupt(Rule):
    """The lengths in front of a message of AWS's binary event stream do not agree with their checksum.

    Nothing tells where the next message begins, so nothing behind it is read. What stands in front of the first
    message, a keep-alive of a proxy for instance, is taken for lengths, too.

    ## What AWS does
    Puts a CRC-32 behind the lengths of each message, and one behind the whole of it.

    ## Why it matters
    botocore 1.44.8 raises ``ChecksumMismatch`` at it (measured): the answer so far is all that a client gets, and
    the call fails.

    ## Repair
    None: which bytes are wrong is not on the wire.
    """

    name = "binary-lengths-corrupt"
    severity = Severity.ERROR
    source = AWS_FRAMES
    repairability = Repairability.NONE
    apis = Scope.EVERY
    ends_after = Whole.CODED | Whole.HEADERS

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.received.coding_fault == FrameFault.PRELUDE:
            yield self.found(
                f"the lengths of a binary message do not agree with their checksum, after {ctx.seen.events} events",
                expected="a checksum that holds",
            )
        elif self._begins_otherwise():
            start = ctx.received.prefix[:_SHOWN]
            yield self.found(
                f"the body is labelled {MEDIA_TYPE}, and begins with {quote(start)}, which is no message",
                expected="a message",
            )

    def _begins_otherwise(self) -> bool:
        """Whether a body that is known by its media type alone is no such stream: clients go by that, too."""
        received, head = self.ctx.received, self.ctx.head
        if self.ctx.api.judged or received.framed or not received.body_bytes or head is None:
            return False
        return is_labelled(head.header("content-type"))
