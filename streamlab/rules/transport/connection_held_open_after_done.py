"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.keepalives import is_keepalive
from streamlab.wire.reading import Fact

_LIMIT_US = 2_000_000


class ConnectionHeldOpenAfterDone(Rule):
    """The answer is over, but the response is not ended.

    Over means ``[DONE]``, a terminal event of the Responses API, or, where no ``[DONE]`` comes, every choice
    finished and nothing after it. More than two seconds count, and, however long it was, a wait that a recorder gave
    up. Who ended the wait does not matter.

    ## What OpenAI does
    Ends the body right after ``[DONE]``.

    ## Why it matters
    openai-node, the AI SDK and @langchain/openai hang until somebody closes the connection; without ``[DONE]`` the
    Python clients wait as well, and then raise (measured).

    ## Repair
    The body is ended with the answer.
    """

    name = "connection-held-open-after-done"
    needs_framing = True
    severity = Severity.ERROR
    source = OBSERVED
    repairability = Repairability.SAFE
    apis = Scope.JUDGED
    on = Fact.DONE
    variants = ("[DONE] came", "[DONE] never comes")

    _done_us: int | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        self._done_us = self.ctx.offset_us
        self.retire()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        what, since_us = "data: [DONE]", self._done_us
        variant: str | None = "[DONE] came"
        if ctx.seen.done_at is None:
            last = reading.as_object(ctx.seen.last_chunk).get("type")
            if type(last) is str and last in ctx.api.ending_types:
                what, since_us, variant = last, ctx.received.last_read_us, None
            elif ctx.finished and ctx.seen.error_at is None:
                since_us = self._last_us()
                never = "[DONE] never comes" if ctx.api.ends_with_done else None
                what, variant = "the last finish_reason" if never else "the stop_reason", never
            else:
                return
        waited_us = ctx.end_us - since_us if ctx.end_us is not None and since_us is not None else 0
        if waited_us <= _LIMIT_US and ending is not Ending.TIMED_OUT:
            return
        waited = f"for {waited_us / 1e6:.1f} s" if waited_us > _LIMIT_US else "until the wait was given up"
        yield self.found(
            f"the response was held open {waited} after {what}",
            ctx.seen.done_at if ctx.seen.done_at is not None else ctx.seen.last_chunk_at,
            expected="the end of the body",
            actual=waited,
            variant=variant,
        )

    def _last_us(self) -> int | None:
        """When the last came that is more than a sign of life: usage follows the finish, and a second answer may."""
        ctx, last = self.ctx, self.ctx.seen.landmarks.last
        chunk = reading.as_object(ctx.seen.last_chunk)
        alive = is_keepalive(chunk) or any(chunk.get("type") == kind for kind in ctx.api.keepalive_types)
        at_us = last[2] if last is not None and not alive else (ctx.seen.finished or (0, None))[1]
        return ctx.received.last_read_us if at_us is None else at_us
