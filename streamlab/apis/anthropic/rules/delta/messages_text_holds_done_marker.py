"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.apis.anthropic.rules.base import MessagesRule
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import DoneMarkerRule
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import chunk_of


class MessagesTextHoldsDoneMarker(MessagesRule, DoneMarkerRule):
    """``[DONE]``, which ends streams of chat completions, arrives as text of the answer.

    Told of a last delta that is the marker and nothing else: a model that explains the protocol writes it within
    longer text, or in several tokens.

    ## What Anthropic does
    Ends a stream with ``message_stop``, and sends no ``[DONE]``.

    ## Why it matters
    A gateway that translates chat completions took the marker for text. Clients join the deltas, so the user reads
    ``[DONE]`` at the end of the answer.

    ## Repair
    None: whether the model meant it is not on the wire.
    """

    name = "messages-text-holds-done-marker"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING

    _index = 0  # of the block that has the marker

    def event(self, at: int, event: StreamEvent) -> None:
        """Blocks that overlap are read one behind the other: the text of one before says nothing of the last."""
        index = chunk_of(event).get("index")
        index = index if type(index) is int else self._index
        if self._place is None or index >= self._index:
            super().event(at, event)
            self._index = index
