"""See the class."""

from __future__ import annotations

from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import NestedEventRule
from streamlab.rules.sources import CHAT_CHUNK_DELTA


class ContentIsNestedChunk(NestedEventRule):
    """The text is the JSON of a chunk, or an event with one: somebody wrapped what came into a chunk of his own.

    ## What OpenAI does
    Sends the model's text.

    ## Why it matters
    Early GLM-4 servers do this to the first chunk they make and lose the answer; gateways do it to every event when
    they take a stream for text. No client raises: the user reads JSON. A model that was asked for an example writes it
    in many deltas; judged is only a text that comes in one or two, or each delta of which is a chunk.

    ## Repair
    None, the answer is not on the wire.
    """

    name = "content-is-nested-chunk"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    what = "a chunk"
