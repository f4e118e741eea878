"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_KINDS: dict[type, str] = {dict: "an object", list: "a list", int: "a number", float: "a number", bool: "a boolean"}


class ToolCallArgumentsObject(Rule):
    """The arguments of a tool call are a JSON value instead of text.

    ## What OpenAI does
    Sends text: pieces of JSON in a string.

    ## Why it matters
    {clients: raises when nothing comes before it} measured clients raise (openai-python's documented loop, the AI SDK,
    LangChain); openai-node shows the function ``[object Object]``.

    ## Repair
    The value is written as JSON text.
    """

    name = "tool-call-arguments-object"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    alike = True
    variants = ("nothing comes before it", "empty text comes before it")

    def event(self, at: int, event: StreamEvent) -> Findings:
        for fragment in self.ctx.fragments(at, event):
            arguments = fragment.function.get("arguments")
            if arguments is not None and type(arguments) is not str:
                yield self.found(
                    f"arguments are {_KINDS.get(type(arguments), 'no string')} instead of JSON text",
                    at,
                    path=f"{fragment.path}.function.arguments",
                    expected="a string",
                    actual=arguments,
                    variant="nothing comes before it" if fragment.opens else "empty text comes before it",
                )
