"""See the class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streamlab.apis.chat.repairs.deltas import DeltaShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run


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

    on = Fact.CONTENT

    def passes(self, run: Run) -> bool:
        return True  # of texts

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            parts = reading.delta(choice).get("content")
            if type(parts) is list:
                found = self.found(
                    "content is a list of parts",
                    at,
                    path=f"choices[{position}].delta.content",
                    expected="a string",
                    actual=parts,
                )
                yield replace(found, variants=_variants(parts))


def _variants(parts: list[Any]) -> tuple[str, ...]:
    """Which forms of the deviation a list is; () where nobody was asked about what it holds."""
    kinds = dict.fromkeys(reading.as_object(part).get("type") for part in parts if len(reading.as_object(part)) > 1)
    return tuple(f"they hold {kind}" for kind in kinds if kind in ("text", "reasoning", "thinking"))
