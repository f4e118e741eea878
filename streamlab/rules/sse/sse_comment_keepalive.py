"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import SSE
from streamlab.wire.events import Comment, StreamEvent
from streamlab.wire.reading import Fact

#: How long Codex waits for an event of a response (its stream_idle_timeout_ms).
_IDLE_US = 300_000_000


class SseCommentKeepalive(Rule):
    """The stream has comment lines.

    Legal, and the right way to keep a connection open; told because some readers do not know them.

    ## What OpenAI does
    Sends none in 2,693 recorded chat streams. OpenRouter (``: OPENROUTER PROCESSING``), DeepSeek (``: keep-alive``),
    TGI (a bare colon) and Perplexity (``: ping - `` and a date) do.

    ## Why it matters
    {clients: none} measured clients skip them. Hand-written readers fail on the colon: langchaingo, CopilotChat.nvim,
    openai4j and the new-api playground did; openai-go until February 2025 took the blank line behind a comment for an
    empty event. In the Responses API, Codex waits 300 seconds for an event, and a comment is none.

    ## Repair
    None needed. Taking them out is no repair: without them an idle timeout may cut a slow answer.
    """

    name = "sse-comment-keepalive"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    apis = Scope.JUDGED
    on = Fact.LINES | Fact.TYPED

    _event_us: int | None = None  # when the last event with data came
    _commented = False  # whether comments came since

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if self.ctx.api.works_meanwhile and not isinstance(event, Comment):
            yield from self._silence(at)
        if sse is not None and sse.comments:
            line = next(field.line for field in sse.fields() if not field.name and field.colon)
            span = (line.start, line.start + len(line.content))
            shown = line.content.decode("utf-8", "replace")
            self._commented = True
            yield self.found(f"comment line {quote(shown)}", at, span=span, actual=shown)

    def _silence(self, at: int) -> Findings:
        """Comments keep the connection alive, and not a client that counts events."""
        now_us, was_us, commented = self.ctx.offset_us, self._event_us, self._commented
        self._event_us, self._commented = now_us, False
        if commented and now_us is not None and was_us is not None and now_us - was_us > _IDLE_US:
            seconds = (now_us - was_us) / 1e6
            yield self.found(
                f"nothing but comments came for {seconds:.0f} s: Codex gives up after 300 s without an event",
                at,
                path="(silence)",
                expected="an event now and then",
                severity=Severity.WARNING,
            )
