"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import ERROR, EVENT_TYPES, MESSAGES_STREAMING, PING
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import NestedEventRule
from streamlab.wire.payload import JsonObject


class MessagesTextIsNestedEvent(NestedEventRule):
    """The text is the JSON of an event, or of a chunk of chat completions, which somebody put into a delta of his own.

    Told of a text that comes in one or two deltas, or each delta of which is an event: a model that was asked for an
    example writes it in many.

    ## What Anthropic does
    Sends the model's text.

    ## Why it matters
    A gateway took a stream for text. Clients join the deltas, so the user reads JSON.

    ## Repair
    None: the text within may be half of it.
    """

    name = "messages-text-is-nested-event"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING

    def is_event(self, value: JsonObject) -> bool:
        kind = value.get("type")
        own = type(kind) is str and kind in EVENT_TYPES and kind not in (PING, ERROR)  # those a model may well write
        return own or super().is_event(value)
