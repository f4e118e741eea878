"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import NGINX_TIMEOUT

_WARN_US, _ERROR_US = 30_000_000, 55_000_000
_LOOPBACK = ("localhost", "::1")


class IdleBeforeFirstByte(Rule):
    """Nothing at all was on the wire for half a minute or longer before the first byte of the body.

    The longer one of two silences counts: from the request to the response head, and from the head to the first
    byte. A comment is a byte. Over 30 seconds is a warning, over 55 an error; to a server on the same machine, with
    nobody in between who could cut the connection, each is one step milder.

    ## What OpenAI does
    Sends the head early and the first byte within seconds; long reasoning is what the Responses API reports on.

    ## Why it matters
    AWS load balancers and nginx cut a silent connection after 60 seconds, others after 8 to 300.

    ## Repair
    None afterwards. A gateway can send ``: `` comments every 15 seconds.
    """

    name = "idle-before-first-byte"
    severity = Severity.WARNING
    source = NGINX_TIMEOUT
    repairability = Repairability.NONE
    apis = Scope.EVERY
    needs_timing = True

    _first_us: int | None = None

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if data:
            self._first_us = offset_us
            self.retire_reads()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ending in (Ending.UNREACHABLE, Ending.INTERRUPTED):
            return
        first_us = self._first_us if self._first_us is not None else ctx.end_us
        head_us = ctx.head.offset_us if ctx.head is not None else None
        if first_us is None:
            return
        idle_us = max(head_us, first_us - head_us) if head_us is not None else first_us
        if idle_us <= _WARN_US:
            return
        steps = (Severity.ERROR, Severity.WARNING, Severity.INFO)
        step = (0 if idle_us > _ERROR_US else 1) + (1 if self._local() else 0)
        where = "before the response head" if head_us is None or idle_us == head_us else "after the response head"
        came = "" if self._first_us is not None else ", and no byte of the body came"
        yield self.found(
            f"nothing was on the wire for {idle_us / 1e6:.1f} s {where}{came}",
            expected=f"a byte within {_WARN_US // 1_000_000} s",
            actual=f"{idle_us / 1e6:.1f} s",
            severity=steps[step],
        )

    def _local(self) -> bool:
        """Whether the request went to the same machine."""
        if self.ctx.request is None:
            return False
        from urllib.parse import urlsplit

        try:
            host = urlsplit(self.ctx.request.url).hostname or ""
        except ValueError:
            return False
        return host in _LOOPBACK or host.startswith("127.")
