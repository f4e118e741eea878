"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Severity
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ResponsesDoneSentinel(ResponsesRule):
    """``data: [DONE]`` comes after the response has ended.

    ## What OpenAI does
    Never sends it here, 2,102 of 2,102. OpenRouter does.

    ## Why it matters
    No measured client minds.

    ## Repair
    None needed.
    """

    name = "responses-done-sentinel"
    severity = Severity.INFO
    source = OBSERVED_RESPONSES
    on = Fact.DONE

    def event(self, at: int, event: StreamEvent) -> Findings:
        yield self.found("[DONE] comes, which ends chat completions", at, expected="nothing", actual="[DONE]")
