"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.repairs.deltas import DeltaShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class ContentArrayParts(Rule):
    """``delta.content`` is a list of parts instead of text.

    ## What OpenAI does
    Sends a string or null. Lists of parts exist only in requests.

    ## Why it matters
    Mistral does this with reasoning models. Loops over openai-python raise a type error, openai-node ends with
    ``[object Object]``, the AI SDK's openai provider raises, LangChain and LiteLLM lose or garble the text, measured.
    Pydantic AI reads lists of text, and loses the reasoning and the thinking in them.

    ## Repair
    Text parts become content, parts of thinking or reasoning become ``reasoning_content``.
    """

    name = "content-array-parts"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    repairability = Repairability.SAFE
    repair = DeltaShape
    variants = ("they hold text", "they hold reasoning", "they hold thinking")

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            parts = reading.delta(choice).get("content")
            if type(parts) is list:
                yield self.found(
                    "content is a list of parts",
                    at,
                    path=f"choices[{position}].delta.content",
                    expected="a string",
                    actual=parts,
                    variant=_variant(parts),
                )


def _variant(parts: list[Any]) -> str | None:
    """Which form of the deviation it is, by the first part that is one; None for parts nobody was asked about."""
    kinds = [reading.as_object(part).get("type") for part in parts]
    return next((f"they hold {kind}" for kind in kinds if kind in ("text", "reasoning", "thinking")), None)
