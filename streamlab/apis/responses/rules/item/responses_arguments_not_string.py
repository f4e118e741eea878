"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ItemRule, placed
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: Items of a finished response that are looked at.
_MOST = 1_000


class ResponsesArgumentsNotString(ItemRule):
    """The arguments of a call are no text.

    ## What OpenAI does
    Sends the text of a JSON object, 573 of 573.

    ## Why it matters
    OpenAI's stream helpers, the AI SDK, OpenAI's agents and LangChain (Python) raise; Codex loses the call.

    ## Repair
    Written as text.
    """

    name = "responses-arguments-not-string"
    severity = Severity.ERROR
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    variants = placed(
        ("null", "an object"), ("output_item.added", "function_call_arguments.done", "output_item.done", "completed")
    )
    on = ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE | ResponseFact.DONE | ResponseFact.TERMINAL

    def event(self, at: int, event: StreamEvent) -> Findings:
        item, value = self.item_of(event), self.value(event)
        if item.get("type") == "function_call":
            yield from self._judge(at, item, "item.arguments")
        elif self.response.kind == "response.function_call_arguments.done":
            yield from self._judge(at, value, "arguments")
        elif self.response.final is not None and self.response.terminal == self.response.kind:
            for place, listed in enumerate(as_list(self.response.final.get("output"))[:_MOST]):
                if as_object(listed).get("type") == "function_call":
                    yield from self._judge(at, listed, f"response.output[{place}].arguments")

    def _judge(self, at: int, holder: JsonObject, path: str) -> Findings:
        arguments = holder.get("arguments")
        if "arguments" in holder and type(arguments) is not str:
            message = f"arguments are {quote(arguments)}, no text"
            how = Repairability.SAFE if type(arguments) in (dict, list) else Repairability.NONE
            form = self.form_at(holder, "arguments")
            yield self.found(
                message, at, path=path, expected="a string", actual=arguments, repairability=how, variant=form
            )
