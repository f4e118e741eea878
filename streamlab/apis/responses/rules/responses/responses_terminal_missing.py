"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import TERMINAL
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesTerminalMissing(Rule):
    """A Responses stream ends without ``response.completed``, ``response.incomplete`` or ``response.failed``.

    ## What OpenAI does
    Ends every one of 1,614 recorded streams with one of the three. There is no ``[DONE]``.

    ## Why it matters
    This event alone carries the status and the usage. Without it openai-python's stream helper raises (``Didn't receive
    a response.completed event``), and {clients: silent-loss} measured clients, openai-node, LangChain and the AI SDK
    among them, return an answer without usage or status and say nothing. Codex reconnects and asks again.

    ## Repair
    None: whether the answer is whole cannot be known from what came, and an end is never made up. The mended stream
    ends with an ``error`` event that says so, under the next sequence number.
    """

    name = "responses-terminal-missing"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    on = Fact.SHAPE  # the first event of each type

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._begun = False
        self._ended = False

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is Chunk:
            kind = reading.event_type(event.json)
            self._begun = self._begun or kind.startswith("response.")
            self._ended = self._ended or kind in TERMINAL or kind == "error"
        return None

    def end(self, ending: Ending) -> Findings:
        # A cut stream has its own rule, and so has an error that ends one.
        if not self._begun or self._ended or self.ctx.seen.error_at is not None or ending is not Ending.COMPLETE:
            return
        last = self.ctx.seen.last_chunk or {}
        yield self.found(
            "the stream ends without response.completed, response.incomplete or response.failed",
            expected="response.completed",
            actual=last.get("type"),
        )
