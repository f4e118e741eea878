"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.responses.facts import ResponseFact
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import DoneMarkerRule
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire.events import StreamEvent


class ResponsesTextHoldsDoneMarker(DoneMarkerRule):
    """``[DONE]``, which ends streams of chat completions, arrives as text of the answer.

    Told of a last delta that is the marker and nothing else: a model that explains the protocol writes it within
    longer text, or in several tokens.

    ## What OpenAI does
    Ends a stream with ``response.completed``, and sends no ``[DONE]``.

    ## Why it matters
    A gateway that translates chat completions took the marker for text. Clients join the deltas, so the user reads
    ``[DONE]`` at the end of the answer.

    ## Repair
    None: whether the model meant it is not on the wire.
    """

    name = "responses-text-holds-done-marker"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING

    def pieces(self, event: StreamEvent) -> Iterator[tuple[str, str]]:
        if not self.ctx.facts & ResponseFact.ORDER:  # what comes behind the end of a text is no piece of it
            yield from super().pieces(event)
