"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import DoneMarkerRule


class MessagesTextHoldsDoneMarker(DoneMarkerRule):
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
