"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import CutCharacters
from streamlab.rules.repairs.characters import HALF
from streamlab.rules.sources import JSON
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent
from streamlab.wire.payload import FaultKind
from streamlab.wire.reading import Fact, chunk_of, content, deltas


class SurrogateEscapeSplit(Rule):
    """Half of a surrogate pair stands alone: ``\\ud83c`` in one chunk, ``\\udf89`` in the next.

    ## What OpenAI does
    Never cuts between the halves of a pair.

    ## Why it matters
    A string with half a pair cannot be written as UTF-8, and RFC 8259 leaves open what a reader makes of it. Python and
    JavaScript heal it when they join the texts ({clients: none} measured clients end right); Rust and Go readers
    replace the half or refuse the chunk. Servers that slice UTF-16 strings do this.

    ## Repair
    The first half is held back and sent with the second, in the text of a chat completion; elsewhere none.
    """

    name = "surrogate-escape-split"
    severity = Severity.WARNING
    source = JSON
    repairability = Repairability.SAFE
    of_some = Repairability.NONE
    repair = CutCharacters
    apis = Scope.EVERY
    on = Fact.FAULTS | Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk | ErrorPayload):
            return
        for fault in event.faults:
            if fault.kind is FaultKind.LONE_SURROGATE:
                half = "second" if fault.detail[3:4] in "cdefCDEF" else "first"
                said = f"{fault.detail} stands alone: the {half} half of a surrogate pair"
                mended = None if _in_text(event) else self.of_some
                yield self.found(said, at, actual=fault.detail, repairability=mended)


def _in_text(event: Chunk | ErrorPayload) -> bool:
    """Whether it stands where the repair looks."""
    chunk = chunk_of(event)
    return any(HALF.search(content(delta)) is not None for delta in deltas(chunk))
