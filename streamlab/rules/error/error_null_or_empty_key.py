"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import ErrorShape
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire.events import Chunk


class ErrorNullOrEmptyKey(Rule):
    """A chunk without an error has the key ``error`` all the same, holding null or something empty.

    ## What OpenAI does
    A chunk has no ``error`` key.

    ## Why it matters
    Some clients ask whether the key is there, not what it holds: @ai-sdk/openai-compatible reports an error for every
    chunk, openai-go and openai-java abort on null, openai-node and @langchain/openai raise on ``{}``.

    ## Repair
    The key is removed.
    """

    name = "error-null-or-empty-key"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = ErrorShape
    apis = Scope.CHUNKS
    variants = ("it is null in every chunk", "it is empty")

    def shape(self, at: int, chunk: Chunk) -> Findings:
        # A truthy error makes an ErrorPayload, so a chunk's error is empty, and its type alone tells which empty.
        if "error" in chunk.json:
            error = chunk.json["error"]
            yield self.found(
                f"the chunk has error: {quote(error)}",
                at,
                path="error",
                expected="(absent)",
                actual=error,
                variant=self.variants[0 if error is None else 1],
            )
