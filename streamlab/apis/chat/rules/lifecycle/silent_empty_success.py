"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_STREAM
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent, Undecodable
from streamlab.wire.json_values import says_nothing
from streamlab.wire.payload import FaultKind
from streamlab.wire.reading import Fact

#: Keys of a delta that content_events watches, or that hold nothing to read. Others (images, audio) may be the answer.
_WATCHED = frozenset({"role", "content", "refusal", "tool_calls", "function_call", *reading.REASONING_KEYS})


class SilentEmptySuccess(Rule):
    """The stream ends well and holds nothing: no text, no tool call, no refusal, no reasoning.

    ## What OpenAI does
    Answers. A few recorded streams are empty indeed, when a stop sequence or a limit came first; their usage counts
    the tokens. A refusal comes in ``delta.refusal``, word by word.

    ## Why it matters
    Agents report that no answer could be made, or ask again at the user's cost; no client raises. Gateways produce
    it when their upstream failed and they finished the stream politely. One that opens ``refusal`` and never fills it
    has lost what the model said: the user gets no answer and no reason.

    ## Repair
    None: there is nothing to repair.
    """

    name = "silent-empty-success"
    severity = Severity.WARNING
    source = CHAT_STREAM
    answer_fact = "empty"
    repairability = Repairability.NONE
    apis = Scope.OPENAI
    on = Fact.SHAPE | Fact.UNDECODABLE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._something_else = False
        self._nothings = 0  # payloads that are no chunk and can hold nothing: null, a number, blanks
        self._refusals = self._details = False  # an empty refusal came; reasoning came in another form than text

    def event(self, at: int, event: StreamEvent) -> None:
        if isinstance(event, Undecodable):
            empty = any(fault.kind is FaultKind.EMPTY for fault in event.faults)
            self._nothings += empty or (event.decoded and says_nothing(event.value))
            return
        for delta in reading.deltas(reading.chunk_of(event)):
            self._refusals |= delta.get("refusal") == ""
            self._details |= any(type(delta.get(key)) in (list, dict) and delta[key] for key in reading.REASONING_KEYS)
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
        response = ctx.api.name == api_names.RESPONSES
        over = ctx.is_over(ending) or (response and ctx.finished)
        if (
            not over
            or ctx.seen.error_at is not None
            or (ctx.seen.content_events and not self._only_blanks())
            or self._something_else
            or self._unread()
        ):
            return
        if self._response_completed() if response else self._choices_stopped() and not self._explained():
            refused = self._refusals and "an empty refusal and then the end: the words of a refusal may be lost"
            yield self.found(
                refused or "the stream ends well and holds nothing at all",
                expected="text, a tool call, a refusal or reasoning",
                actual=ctx.accumulator.usage,
                severity=Severity.ERROR if response else None,
            )

    def _unread(self) -> bool:
        """Whether something came that is no JSON: what it held is not known, and its own rules tell of it."""
        seen = self.ctx.seen
        return seen.data_events > seen.chunks + self._nothings + (seen.done_at is not None)

    def _only_blanks(self) -> bool:
        """Whether what counted as content were empty strings: nobody holds anything."""
        states = self.ctx.accumulator.choices.values() if self.ctx.api.name != api_names.RESPONSES else ()
        held = any(one.content or one.reasoning or one.refusal or one.calls or one.function_call for one in states)
        return bool(states) and not held and not self._details

    def _choices_stopped(self) -> bool:
        return self.ctx.finished and set(self.ctx.seen.finish_values.values()) == {"stop"}

    def _response_completed(self) -> bool:
        """OpenAI's responses that are completed always have an output, but for one that only warms up a connection."""
        reader: Any = self.ctx.tracker
        response = reading.as_object(reader.final)
        held = self.ctx.accumulator.output()
        nothing = len(held) == len(reader.items) and all(item.hollow for item in reader.items)
        empty = response.get("output", []) == [] and (nothing or not held)
        last = self.ctx.seen.last_chunk or {}
        goes_on = last.get("type") != reader.terminal and bool(last.keys() & {"item", "item_id", "output_index"})
        over = reader.terminal == "response.completed" and not goes_on
        reason = response.get("error") or reading.as_object(response.get("incomplete_details")).get("reason")
        return over and empty and not reason and self.ctx.body.get("generate") is not False

    def _explained(self) -> bool:
        """Tokens were made (a stop sequence ate them, or they were hidden reasoning), or hardly any were allowed."""
        usage = reading.as_object(self.ctx.accumulator.usage)
        made = usage.get("completion_tokens", usage.get("output_tokens"))
        return (type(made) is int and made > 0) or bool(self.ctx.body.get("stop"))
