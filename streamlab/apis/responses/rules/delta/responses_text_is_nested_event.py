"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import text_of
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import NestedEventRule
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire.payload import JsonObject


class ResponsesTextIsNestedEvent(NestedEventRule):
    """The text is the JSON of an event, or of a chunk of chat completions, which somebody put into a delta of his own.

    Told of a text that comes in one or two deltas, or each delta of which is an event: a model that was asked for an
    example writes it in many.

    ## What OpenAI does
    Sends the model's text.

    ## Why it matters
    A gateway took a stream for text. Clients join the deltas, so the user reads JSON.

    ## Repair
    None: the text within may be half of it.
    """

    name = "responses-text-is-nested-event"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING

    def is_event(self, value: JsonObject) -> bool:
        return text_of(value.get("type")).startswith("response.") or super().is_event(value)
