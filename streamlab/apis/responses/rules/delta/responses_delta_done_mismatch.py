"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import INCOMPLETE, OBSERVED_RESPONSES, REASONING
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Piece
from streamlab.apis.responses.rules.base import OddRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent

#: Places that are kept; more are not told.
_MOST = 1_000


class ResponsesDeltaDoneMismatch(OddRule):
    """What was streamed in deltas is not what is said to be the whole.

    ## What OpenAI does
    ``response.output_text.done``, ``response.function_call_arguments.done`` and their like hold exactly the joined
    deltas, 2,441 of 2,445; so do the part and the item that are done after them. The others are summaries of
    reasoning that ``max_output_tokens`` cut: OpenAI streams these twice.

    ## Why it matters
    Some clients show the deltas, some keep the whole. A whole text that comes once more as a last delta is doubled
    in nearly all of them; arguments that only the finished item has differently are run by Codex, the AI SDK and
    openai-python. Where only the ``.done`` differs, no measured client notices.

    ## Repair
    None: which of the two is true is not on the wire. Where a delta that is null lost the difference, it is filled
    (responses-delta-not-string). A whole that is empty may be a text that was taken back.
    """

    name = "responses-delta-done-mismatch"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    of_some = Repairability.SAFE
    on = ResponseFact.MISMATCH

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._late: list[tuple[Piece, bool, Finding]] = []

    def event(self, at: int, event: StreamEvent) -> None:
        item = self.response.item
        for one in self.response.odd:
            if one.fact == ResponseFact.MISMATCH and item is not None and len(self._late) < _MOST:
                family = self.response.kind.rpartition(".")[0]
                pieces = item.pieces.values()
                piece = next((one_of for one_of in pieces if one.expected in (str(one_of.text), one_of.done)), None)
                finding = self.found(
                    one.said,
                    at,
                    path=one.path,
                    expected=one.expected,
                    actual=one.actual,
                    repairability=_repairable(piece, one.actual),
                )
                if piece is not None and not any(piece is known for known, _, _ in self._late):
                    self._late.append((piece, family in REASONING, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        cut = self.response.terminal == INCOMPLETE
        for piece, reasoning, finding in self._late:
            if cut and (reasoning or finding.path is None or "summary" in finding.path):
                continue
            yield changed(finding, severity=Severity.WARNING) if piece.agrees else finding


def _repairable(piece: Piece | None, whole: str) -> Repairability:
    """What is missing of a text is all that a delta without it lost: responses-delta-not-string."""
    start = piece.lost_at if piece is not None else None
    filled = piece is not None and start is not None and piece.missing(whole, start)
    return Repairability.SAFE if filled else Repairability.NONE
