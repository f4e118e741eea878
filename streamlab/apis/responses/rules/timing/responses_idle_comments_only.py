"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import CODEX_IDLE_US, LONG_US, OBSERVED_RESPONSES, TOLD_US
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Severity
from streamlab.rules.state import RuleState

#: Silences that are remembered; more are not told.
_MOST = 1_000


class ResponsesIdleCommentsOnly(ResponsesRule):
    """No event came for a long time, only comments or nothing at all.

    ## What OpenAI does
    Sends ``keepalive`` events meanwhile.

    ## Why it matters
    Codex counts events alone: after 300 seconds of comments or silence it gives up and asks again, six times in
    all, and pays for each. Proxies are content with comments.

    ## Repair
    None afterwards. A gateway can send ``{"type": "keepalive", "sequence_number": …}`` meanwhile.
    """

    name = "responses-idle-comments-only"
    severity = Severity.WARNING
    source = OBSERVED_RESPONSES
    needs_timing = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._last_us: int | None = None
        self._idle: list[tuple[int, int]] = []  # microseconds, number of the event that ended it

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if offset_us is None or b"data:" not in data:
            return
        last_us, self._last_us = self._last_us, offset_us
        if last_us is not None and offset_us - last_us >= TOLD_US and len(self._idle) < _MOST:
            self._idle.append((offset_us - last_us, self.ctx.seen.events))

    def end(self, ending: Ending) -> Findings:
        if not self.response.begun:
            return
        for idle_us, at in self._idle:
            grade = Severity.INFO if idle_us < LONG_US else Severity.ERROR if idle_us >= CODEX_IDLE_US else None
            seconds = idle_us / 1e6
            message = f"no event came for {seconds:.1f} s; Codex gives up after {CODEX_IDLE_US // 1_000_000} s"
            yield self.found(message, at, expected="a keepalive event", severity=grade)
