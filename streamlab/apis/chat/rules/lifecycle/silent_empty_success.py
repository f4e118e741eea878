"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

#: Keys of a delta that content_events watches, or that hold nothing to read. Others (images, audio) may be the answer.
_WATCHED = frozenset({"role", "content", "refusal", "tool_calls", "function_call", *reading.REASONING_KEYS})


class SilentEmptySuccess(Rule):
    """The stream ends well and holds nothing: no text, no tool call, no refusal, no reasoning.

    ## What OpenAI does
    Answers. A few recorded streams are empty indeed, when a stop sequence or a limit came first; their usage counts
    the tokens.

    ## Why it matters
    Agents report that no answer could be made, or ask again at the user's cost; no client raises. Gateways produce
    it when their upstream failed and they finished the stream politely.

    ## Repair
    None: there is nothing to repair.
    """

    name = "silent-empty-success"
    severity = Severity.WARNING
    source = CHAT_STREAM
    repairability = Repairability.NONE
    apis = Scope.OPENAI
    on = Fact.SHAPE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._something_else = False

    def event(self, at: int, event: StreamEvent) -> None:
        if (
            self.ctx.facts & (Fact.MESSAGE | Fact.CONTENT)
            or not isinstance(event, Chunk)
            or not all(delta.keys() <= _WATCHED for delta in reading.deltas(event.json))
        ):
            self._something_else = True
        if self._something_else:
            self.retire()

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if (
            ending is not Ending.COMPLETE
            or ctx.seen.error_at is not None
            or ctx.seen.content_events
            or self._something_else
        ):
            return
        ended_well = self._response_completed() if ctx.api.name == api_names.RESPONSES else self._choices_stopped()
        if ended_well and not self._explained():
            yield self.found(
                "the stream ends well and holds nothing at all",
                expected="text, a tool call, a refusal or reasoning",
                actual=ctx.accumulator.usage,
            )

    def _choices_stopped(self) -> bool:
        return self.ctx.finished and set(self.ctx.seen.finish_values.values()) == {"stop"}

    def _response_completed(self) -> bool:
        response = reading.as_object(reading.as_object(self.ctx.seen.last_chunk).get("response"))
        return response.get("status") == "completed" and response.get("output") == []

    def _explained(self) -> bool:
        """Tokens were made (a stop sequence ate them, or they were hidden reasoning), or hardly any were allowed."""
        usage = reading.as_object(self.ctx.accumulator.usage)
        made = usage.get("completion_tokens", usage.get("output_tokens"))
        return (type(made) is int and made > 0) or bool(self.ctx.body.get("stop"))
