"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ERROR
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.deferred import Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire.events import StreamEvent


class ResponsesErrorWithoutFailed(ResponsesRule):
    """An ``error`` event comes, and no ``response.failed`` follows.

    ## What OpenAI does
    Sends the ``error`` event and then ``response.failed``, in 5 of 5.

    ## Why it matters
    Codex goes by ``response.failed`` alone: it reports a stream that was closed too early, without the reason, and
    asks six times.

    ## Repair
    ``response.failed`` is added, with the code and the message of the error.
    """

    name = "responses-error-without-failed"
    severity = Severity.WARNING
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponseRepair
    _place: Place | None = None
    on = ResponseFact.ERROR

    variants = ("the error is an object in the event", "the event itself is the error")

    _form: str | None = None

    def event(self, at: int, event: StreamEvent) -> None:
        if self._place is None and self.value(event).get("type") == ERROR:
            self._place = self.keep(at, event)
            value = self.value(event)
            if type(value.get("error")) is dict:
                self._form = self.variants[0]
            elif type(value.get("message")) is str:
                self._form = self.variants[1]

    def end(self, ending: Ending) -> Findings:
        if self._place is not None and not self.response.terminal and ending is Ending.COMPLETE:
            said = "no response.failed follows the error event"
            yield self.found_at(self._place, said, expected="response.failed", variant=self._form)
