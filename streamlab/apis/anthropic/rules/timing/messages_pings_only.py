"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import LONG_SILENCE_US, OBSERVED_MESSAGES
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity


class MessagesPingsOnly(MessagesRule):
    """For a minute or longer nothing of the answer came, but pings or comments did.

    ## What Anthropic does
    Sends a ping after the first block's start, and more while it waits: 327 streams have 2 to 12.

    ## Why it matters
    Nothing breaks: Claude Code waited 670 s with a ping or a comment every 48 s. Without them it gives up after 300
    s.

    ## Repair
    None is needed.
    """

    name = "messages-pings-only"
    severity = Severity.INFO
    source = OBSERVED_MESSAGES
    repairability = Repairability.NONE
    needs_timing = True

    _since_us: int | None = None
    _kept_alive = 0
    _longest: tuple[int, int, int] | None = None  # microseconds, keep-alives, event

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if offset_us is None or not data:
            return
        if b"content_block" not in data and b"message_" not in data:
            self._kept_alive += 1
            self._since_us = offset_us if self._since_us is None else self._since_us
            return
        since_us = self._since_us
        if since_us is not None and self._kept_alive and offset_us - since_us >= LONG_SILENCE_US:
            waited = (offset_us - since_us, self._kept_alive, self.ctx.seen.events)
            if self._longest is None or waited > self._longest:
                self._longest = waited
        self._since_us, self._kept_alive = offset_us, 0

    def end(self, ending: Ending) -> Findings:
        if self._longest is not None:
            waited_us, times, at = self._longest
            yield self.found(
                f"nothing of the answer came for {waited_us / 1e6:.0f} s, with {times} pings or comments in between", at
            )
