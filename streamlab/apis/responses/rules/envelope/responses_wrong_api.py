"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING


class ResponsesWrongApi(Rule):
    """The path promises a response, and a stream of chat completions comes.

    Told by the first JSON object; the other rules of Responses say nothing of it then.

    ## What OpenAI does
    Answers ``/responses`` with events of a response, and ``/chat/completions`` with chunks.

    ## Why it matters
    All fifteen client set-ups that were asked hold nothing or raise; the AI SDK says why in plain words. Most often a
    gateway forwards to a server that has no Responses API, or takes every model for one of chat.

    ## Repair
    None: that would be a translation.
    """

    name = "responses-wrong-api"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    repairability = Repairability.NONE

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        found = ctx.received.foreign
        if found is not None and ctx.api.foreign_rule(found) == self.name:
            yield self.found(
                f"the path promises {ctx.api.title}, the answer is {found.title}",
                expected=ctx.api.name,
                actual=found.name,
            )
