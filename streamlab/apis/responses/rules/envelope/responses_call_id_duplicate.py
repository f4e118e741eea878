"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Severity


class ResponsesCallIdDuplicate(OddRule):
    """Two calls have one ``call_id``.

    ## What OpenAI does
    Gives each its own, 573 of 573.

    ## Why it matters
    OpenAI's agents and stream helpers and pydantic-ai raise; Codex, the AI SDK and LangChain run both and answer
    twice under one id.

    ## Repair
    None: which call an answer is meant for cannot be known.
    """

    name = "responses-call-id-duplicate"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    on = ResponseFact.CALL_TWICE
