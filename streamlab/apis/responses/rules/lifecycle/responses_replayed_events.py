"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesReplayedEvents(OddRule):
    """Events come again, under the numbers that they had.

    ## What OpenAI does
    Never sends a number twice.

    ## Why it matters
    The text is doubled in nearly every client; OpenAI's stream helpers raise. A gateway that connects again to a
    response in the background and forgets ``starting_after`` does it.
    A doubled ``response_metadata.model`` in @langchain/openai 1.6.0 is no sign of it: a lawful stream has it, too.

    ## Repair
    The repetitions are dropped: the number is the proof that they are some.
    """

    name = "responses-replayed-events"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.REPLAYED
