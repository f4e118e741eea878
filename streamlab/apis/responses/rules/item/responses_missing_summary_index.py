"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule, placed
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


class ResponsesMissingSummaryIndex(OddRule):
    """An event about a summary does not say by ``summary_index`` which part it is in.

    ## What OpenAI does
    Sends it in every event about a summary.

    ## Why it matters
    openai-node's stream helper raises, the AI SDK rejects the event and with it the stream.

    ## Repair
    The parts of the summary are counted.
    """

    name = "responses-missing-summary-index"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_SUMMARY_INDEX
    variants = placed(
        ("absent", "null"),
        (
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
        ),
    )

    def form(self, one: Odd) -> str | None:
        return self.form_at(self._value or {}, "summary_index")
