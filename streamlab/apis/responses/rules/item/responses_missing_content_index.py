"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule, placed
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES


class ResponsesMissingContentIndex(OddRule):
    """An event about a text does not say by ``content_index`` which part it is in.

    ## What OpenAI does
    Sends it in every event about a text, a refusal, an annotation or a part.

    ## Why it matters
    OpenAI's stream helpers raise; the others do not notice.

    ## Repair
    The parts of the item are counted.
    """

    name = "responses-missing-content-index"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.NO_CONTENT_INDEX
    variants = placed(
        ("absent", "null"), ("content_part.added", "output_text.delta", "output_text.done", "content_part.done")
    )

    def form(self, one: Odd) -> str | None:
        return self.form_at(self._value or {}, "content_index")
