"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import DeltaShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class EmptyToolCallsArray(Rule):
    """A delta has ``tool_calls: []`` or ``function_call: {}``, or either as null.

    ## What OpenAI does
    Leaves the keys out of deltas that call nothing.

    ## Why it matters
    An empty ``function_call`` makes openai-node's ``.stream()`` raise ``missing function_call.arguments``, measured: an
    error. An empty list sends Spring AI into its tool buffering, where all text but the first piece is lost; the
    measured clients skip it. Null is skipped by all and only noted.

    ## Repair
    The key is removed.
    """

    name = "empty-tool-calls-array"
    severity = Severity.WARNING
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = DeltaShape
    on = Fact.TOOL_CALLS | Fact.FUNCTION_CALL
    alike = True

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            inner, path = reading.delta(choice), f"choices[{position}].delta"
            if inner.get("tool_calls") == []:
                yield self.found(
                    "tool_calls is an empty list", at, path=f"{path}.tool_calls", expected="(absent)", actual=[]
                )
            if inner.get("function_call") == {}:
                yield self.found(
                    "function_call is an empty object",
                    at,
                    path=f"{path}.function_call",
                    expected="(absent)",
                    actual={},
                    severity=Severity.ERROR,
                )

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            inner = reading.delta(choice)
            for key in ("tool_calls", "function_call"):
                if inner.get(key, "") is None:
                    path = f"choices[{position}].delta.{key}"
                    said = f"{key} is null instead of absent"
                    yield self.found(said, at, path=path, expected="(absent)", severity=Severity.INFO)
