"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.state import RuleState
from streamlab.rules.whole import Whole
from streamlab.wire.events import Comment, StreamEvent
from streamlab.wire.inserted import bare_line
from streamlab.wire.reading import Fact


class OnlyDone(Rule):
    """The stream is nothing but ``[DONE]``.

    ## What OpenAI does
    Sends a role chunk, the answer and a finish chunk before it, even when the answer is empty.

    ## Why it matters
    An answer was lost on the way and the end looks perfect: {clients: silent-loss} measured clients return an empty
    answer without a word. one-api does this to upstreams that write ``data:`` without a space, and with it to
    ChatGLM3's short answers.

    ## Repair
    None: the answer is not there. An error event says so. Ask again without ``stream``.
    """

    name = "only-done"
    needs_framing = True
    severity = Severity.ERROR
    source = CHAT_STREAM
    repairability = Repairability.TOLD
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.UNDECODABLE | Fact.COMMENT
    ends_after = Whole.NO_CHUNK

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._something_else = False

    def event(self, at: int, event: StreamEvent) -> None:
        # Lines that are no comment hold something that only a misspelt field name hides.
        lines = event.sse.raw.strip(b"\r\n") if event.sse is not None else b""
        if event.sse is None or not isinstance(event, Comment) or lines[:1] not in (b":", b""):
            self._something_else = True
            self.retire()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        alone = ctx.seen.done_at is not None and not ctx.seen.chunks and ctx.seen.error_at is None
        if alone and not self._something_else and not self._shares_its_event():
            yield self.found("the stream is nothing but [DONE]", ctx.seen.done_at, expected="chunks before [DONE]")

    def _shares_its_event(self) -> bool:
        """Whether a line without a field name that is JSON stands in the event of ``[DONE]``: sse-ndjson-instead."""
        at = self.ctx.seen.done_at
        mark = self.ctx.seen.landmarks.of(at) if at is not None else None
        sse = mark.sse if mark is not None else None
        return sse is not None and any(bare_line(line.content)[:1] == b"{" for line in sse.filled_lines())
