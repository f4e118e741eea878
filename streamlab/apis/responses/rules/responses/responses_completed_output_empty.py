"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.repairs import ResponsesEvents
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ResponsesCompletedOutputEmpty(Rule):
    """The finished response has an empty ``output`` although items were streamed.

    ## What OpenAI does
    Repeats every output item, whole, in the response of ``response.completed`` and ``response.incomplete``; also with
    ``store: false``.

    ## Why it matters
    Clients that show the deltas and then keep the finished response (OpenClaw behind new-api, for one) lose the
    answer at the very end, and a tool loop that reads the calls from there never runs one.

    ## Repair
    Filled with the items of the ``response.output_item.done`` events, in order of ``output_index``.
    """

    name = "responses-completed-output-empty"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    repairability = Repairability.SAFE
    repair = ResponsesEvents
    on = Fact.SHAPE  # the first event of each type

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._items = False
        self._pieces = False

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        kind = reading.event_type(event.json)
        if kind == "response.output_item.done":
            self._items = True
        elif kind.endswith(".delta"):
            self._pieces = True
        elif kind in ("response.completed", "response.incomplete") and (self._items or self._pieces):
            output = reading.as_object(event.json.get("response")).get("output")
            if not output:
                return (
                    self.found(
                        f"output of {kind} is {quote(output)} although output items were streamed",
                        at,
                        path="response.output",
                        expected="the streamed output items",
                        actual=output,
                        repairability=Repairability.SAFE if self._items else Repairability.NONE,
                    ),
                )
        return None
