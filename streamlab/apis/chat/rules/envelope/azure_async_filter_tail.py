"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CLIENTS
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class AzureAsyncFilterTail(Rule):
    """A choice carries only a content filter result, without a delta.

    ## What OpenAI does
    Sends a delta in every choice. Azure's asynchronous content filter sends chunks with ``content_filter_results`` and
    ``content_filter_offsets`` in a choice without delta, and with empty id, object and model.

    ## Why it matters
    ``chunk.choices[0].delta.content`` fails on it: the loops that openai-python and openai-node document raise,
    measured, after the answer has come through whole. The ``.stream()`` helpers and the frameworks skip it.

    ## Repair
    The choice gets an empty delta; a chunk that carries nothing else may be dropped.
    """

    name = "azure-async-filter-tail"
    severity = Severity.ERROR
    source = CLIENTS
    repairability = Repairability.SAFE
    repair = ChoiceShape

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            if reading.is_filter_result(choice):
                yield self.found(
                    "a choice of Azure's asynchronous content filter has no delta",
                    at,
                    path=f"choices[{position}].delta",
                    expected={},
                    actual=choice.get("delta", "(absent)"),
                )
