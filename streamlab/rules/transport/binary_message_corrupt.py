"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import AWS_FRAMES
from streamlab.rules.whole import Whole
from streamlab.wire.binary_frames import FrameFault


class BinaryMessageCorrupt(Rule):
    """A message of AWS's binary event stream does not agree with its checksum.

    It is not read, nor what comes behind it: that is what the AWS SDKs do.

    ## What AWS does
    Puts a CRC-32 behind the lengths of each message, and one behind the whole of it.

    ## Why it matters
    botocore 1.44.8 raises ``ChecksumMismatch`` at it (measured): the answer so far is all that a client gets, and
    the call fails.

    ## Repair
    None: which bytes are wrong is not on the wire.
    """

    name = "binary-message-corrupt"
    severity = Severity.ERROR
    source = AWS_FRAMES
    repairability = Repairability.NONE
    apis = Scope.EVERY
    ends_after = Whole.CODED

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.received.coding_fault == FrameFault.MESSAGE:
            yield self.found(
                f"a binary message does not agree with its checksum, after {ctx.seen.events} events",
                expected="a checksum that holds",
            )
