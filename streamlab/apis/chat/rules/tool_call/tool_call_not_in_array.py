"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallNotInArray(Rule):
    """``delta.tool_calls`` is no array, or holds something that is no object.

    ## What OpenAI does
    Sends an array with one object, also where there is one call only: 670 of 670 recorded streams. The older
    ``function_call`` is an object by itself.

    ## Why it matters
    Everybody loops over it. {clients: raises} measured clients raise on an object, and the others (LiteLLM,
    LangChain.js) end with another number of calls. Text Generation Inference 2.0.4 sends its calls like this.

    ## Repair
    An object is put into an array; null in an array, and a value that stands for nothing, are removed. Anything else
    stays as it is: nobody knows what was meant.
    """

    name = "tool-call-not-in-array"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.TOOL_CALLS
    alike = True
    variants = ("it is an object", "it is neither", "it holds something else")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for position, choice in enumerate(reading.choices(reading.chunk_of(event))):
            listed, path = reading.delta(choice).get("tool_calls"), f"choices[{position}].delta.tool_calls"
            if type(listed) is not list and listed is not None:
                lone = type(listed) is dict
                yield self.found(
                    f"tool_calls is {'an object' if lone else quote(listed)}, no array",
                    at,
                    path=path,
                    expected="an array of objects",
                    actual=listed,
                    repairability=Repairability.SAFE if lone or not listed else Repairability.NONE,
                    variant=self.variants[0 if lone else 1],
                )
            for number, one in enumerate(reading.as_list(listed)):
                if type(one) is not dict:
                    yield self._inside(at, f"{path}[{number}]", one)

    def _inside(self, at: int, path: str, one: Any) -> Finding:
        return self.found(
            f"tool_calls holds {quote(one)}, no object",
            at,
            path=path,
            expected="an object",
            actual=one,
            repairability=Repairability.SAFE if one is None else Repairability.NONE,
            variant=self.variants[2],
        )
