"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.wire import reading
from streamlab.wire.events import Chunk


class FinishReasonKeyAbsent(Rule):
    """A choice has no ``finish_reason`` key before the end.

    ## What OpenAI does
    Sends ``"finish_reason": null`` in every choice until the last; only audio streams lack the key.

    ## Why it matters
    The schema requires the key. Strictly typed clients reject the chunk; most read a missing key as null.

    ## Repair
    ``null`` is added.
    """

    name = "finish-reason-key-absent"
    severity = Severity.INFO
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    repair = ChoiceShape

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for position, choice in enumerate(reading.choices(chunk.json)):
            # Audio chunks of OpenAI itself have no finish_reason anywhere.
            if "finish_reason" not in choice and "audio" not in reading.delta(choice):
                yield self.found(
                    "finish_reason is absent instead of null",
                    at,
                    path=f"choices[{position}].finish_reason",
                    expected=None,
                    actual="(absent)",
                )
