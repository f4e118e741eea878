"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesInnerDoneMissing(OddRule):
    """Deltas came, and nothing said that they are over, until the item was done.

    ## What OpenAI does
    Sends ``response.output_text.done``, ``response.content_part.done`` or ``response.function_call_arguments.done``
    before the item is done, in all streams but one that was cut.

    ## Why it matters
    No measured client waits for them.

    ## Repair
    None needed.
    """

    name = "responses-inner-done-missing"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = ResponseFact.INNER_DONE
