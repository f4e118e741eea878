"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING

#: Members with which an event is one of the answer under another name: who drops it loses more than a sign of life.
_OF_THE_ANSWER = frozenset(("delta", "item", "part", "text", "arguments", "response"))


class ResponsesKeepaliveEvent(OddRule):
    """An event is none of this API's: a ping, an object without a type, or another API's chunk.

    ## What OpenAI does
    Keeps a connection alive by events of type ``keepalive``, which hold nothing but their number: 7 events in 3
    streams.

    ## Why it matters
    Empty data makes nearly every client raise, an empty object the AI SDK and openai-node's stream helper; a ping
    makes the latter raise, a chat chunk stops the AI SDK's stream.

    ## Repair
    Turned into a comment.
    """

    name = "responses-keepalive-event"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.FOREIGN
    variants = (
        "its data is empty",
        "it is an empty object",
        "it is a chunk of chat completions",
        "it has a type of its own",
    )

    def form(self, one: Odd) -> str | None:
        if one.path is not None:
            return None if _OF_THE_ANSWER.intersection(self._value or ()) else self.variants[3]
        if one.expected is None:
            return self.variants[0]
        if not self._value:
            return self.variants[1]
        return self.variants[2] if type(self._value.get("choices")) is list else None
