"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import ErrorShape
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.wire import reading
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ErrorBesideChoices(Rule):
    """An error stands in a chunk that has ``choices`` as well.

    ## What OpenAI does
    Sends an error in an event of its own, with nothing beside it.

    ## Why it matters
    Whoever asks for choices first takes the event for a chunk and never looks for the error: @ai-sdk/openai, the AI
    SDK 4, BAML and TensorZero end with half an answer and say nothing, measured. OpenRouter reports failures like this.

    ## Repair
    The choices are taken out of the error event; an answer in them goes into a chunk before it.
    """

    name = "error-beside-choices"
    severity = Severity.ERROR
    source = ERROR_OBJECT
    repairability = Repairability.SAFE
    repair = ErrorShape
    apis = Scope.CHUNKS
    on = Fact.ERROR

    def event(self, at: int, event: StreamEvent) -> Findings:
        if isinstance(event, ErrorPayload) and type(event.json.get("choices")) is list:
            reasons = [reading.finish_reason(choice) for choice in reading.choices(event.json)]
            said = f"whose finish_reason is {quote(reasons[0])}" if reasons and reasons[0] else "in the same event"
            yield self.found(
                f"an error beside choices, {said}",
                at,
                path="choices",
                expected="(absent)",
                actual=event.json["choices"],
            )
