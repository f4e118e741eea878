"""See the class."""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlab.apis.responses.expectations import FAILED, OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.events import StreamEvent


class ResponsesCompletedOutputEmpty(ResponsesRule):
    """The finished response has an empty ``output`` although items were streamed.

    ## What OpenAI does
    Repeats every output item, whole, in the response of ``response.completed``; also with ``store: false``.
    ChatGPT's own backend leaves it empty in 32 of 81.

    ## Why it matters
    OpenAI's stream helpers lose text and call; its agents for JavaScript ask again and again. Clients that read the
    events are right. So is Codex, for which ChatGPT's own backend is: there it is a warning.

    ## Repair
    Filled with the items that were done, in their order.
    """

    name = "responses-completed-output-empty"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = self.response
        output = (response.final or {}).get("output")
        if output == [] and response.terminal != FAILED and response.items:
            how = Repairability.SAFE if any(item.done is not None for item in response.items) else Repairability.NONE
            message = f"output of {response.terminal} is empty although output items were streamed"
            yield self.found(
                message,
                at,
                path="response.output",
                expected="the streamed items",
                actual=output,
                repairability=how,
                severity=Severity.WARNING if self._of_chatgpt() else None,
            )

    def _of_chatgpt(self) -> bool:
        """Whether ChatGPT's own backend sent it: by its path, or by the name it gives every user (44 of 44, and none
        of 2,102 of the API's)."""
        ctx, final = self.ctx, self.response.final or {}
        path = urlsplit(ctx.request.url).path if ctx.request is not None else ""
        named = text_of(final.get("safety_identifier"))
        own = named.startswith("user-") and named != ctx.body.get("safety_identifier")
        return path.startswith("/backend-api/") or own
