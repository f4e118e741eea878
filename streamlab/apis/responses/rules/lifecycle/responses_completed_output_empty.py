"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import COMPLETED, FAILED, OBSERVED_RESPONSES
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.final import undone
from streamlab.apis.responses.fold import is_known
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ANSWERS, ResponsesRule, answer_form
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
    events are right. So is Codex: where it asked, by its ``originator`` or ``User-Agent``, it is a warning.

    ## Repair
    Filled with the items that were done, in their order; on request with one that was never added
    (responses-lifecycle-order).
    """

    name = "responses-completed-output-empty"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.TERMINAL
    variants = ANSWERS

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = self.response
        output = (response.final or {}).get("output")
        if output == [] and response.terminal != FAILED and response.items:
            message = f"output of {response.terminal} is empty although output items were streamed"
            yield self.found(
                message,
                at,
                path="response.output",
                expected="the streamed items",
                actual=output,
                repairability=self._how(),
                severity=Severity.WARNING if self._asked_by_codex() else None,
                variant=answer_form(item.kind for item in response.items),
            )

    def _how(self) -> Repairability:
        """Safe where each item that was opened is done, by whomever; unsafe where there is only one to be added."""
        items, completed = self.response.items, self.response.terminal == COMPLETED
        ended = [item for item in items if completed and item.opened and item.open and is_known(item, None)]
        if undone([item for item in items if item not in ended]):
            return Repairability.NONE
        if ended or any(item.done is not None for item in items):
            return Repairability.SAFE
        return Repairability.UNSAFE if self.response.output.addable else Repairability.NONE

    def _asked_by_codex(self) -> bool:
        """Whether Codex asked, by the names it gives itself."""
        headers = self.ctx.request.headers if self.ctx.request is not None else ()
        names = (value.lower() for name, value in headers if name.lower() in ("originator", "user-agent"))
        return any(name.startswith("codex") for name in names)
