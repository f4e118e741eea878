"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_USAGE
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class UsageMissingWhenRequested(Rule):
    """``stream_options.include_usage`` was asked for, the stream is complete, and no usage came.

    ## What OpenAI does
    Sends one more chunk with ``choices: []`` and usage before ``[DONE]``: 1,293 of 1,296 recorded streams that asked;
    the others were interrupted or ended with an error.

    ## Why it matters
    Costs are counted as zero, or made up: LiteLLM estimates the tokens and reports them as if they had been sent.

    ## Repair
    None, numbers are never estimated.
    """

    name = "usage-missing-when-requested"
    severity = Severity.WARNING
    source = CHAT_CHUNK_USAGE
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    needs_request = True
    on = Fact.USAGE | Fact.FINISH

    _elsewhere = False

    def event(self, at: int, event: StreamEvent) -> None:
        """Usage in another place than the top level is ``usage-in-choice``."""
        chunk = reading.chunk_of(event)
        holders = (reading.as_object(chunk.get("x_groq")), *reading.choices(chunk))
        if any(holder.get("usage") is not None for holder in holders):
            self._elsewhere = True

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.include_usage or not ctx.is_over(ending) or ctx.seen.error_at is not None or self._elsewhere:
            return
        if ctx.seen.chunks and ctx.accumulator.usage is None and (ctx.seen.finish_at or ctx.seen.done_at is not None):
            yield self.found(
                "include_usage was asked for and no chunk has usage",
                expected='a last chunk with "choices": [] and usage',
                actual="(absent)",
            )
