"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


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
    None needed. Taking them out is no repair: without them an idle timeout may cut a slow answer. One between the lines
    of an event goes out before it, as an event of its own.
    """

    name = "sse-comment-keepalive"
    needs_framing = True
    severity = Severity.INFO
    source = SSE
    apis = Scope.JUDGED
    on = Fact.LINES

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None or not sse.comments:
            return
        for line in (field.line for field in sse.fields() if not field.name and field.colon):
            span = (line.start, line.start + len(line.content))
            shown = line.content.decode("utf-8", "replace")
            yield self.found(f"comment line {quote(shown)}", at, span=span, actual=shown)
