"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import RESPONSES


class ResponsesMissingRequiredFields(OddRule):
    """A Responses event lacks what it is about.

    ## What OpenAI does
    Sends the item, the part, the whole text or the arguments with every event that adds or ends them.

    ## Why it matters
    Clients with fixed types refuse the event; others have nothing to keep.

    ## Repair
    None: what is missing cannot be made up.
    """

    name = "responses-missing-required-fields"
    severity = Severity.WARNING
    source = RESPONSES
    on = ResponseFact.NO_MEMBER
