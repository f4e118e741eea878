"""See the class."""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis import api_names
from streamlab.apis.chat.arguments_rule import item_calls
from streamlab.apis.chat.numbering import calls_of
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.wire import reading
from streamlab.wire.leaks import markup_in_name

#: Tools that are called by the name that the request gives them.
_FUNCTIONS: Final = frozenset({"function", "custom"})


class ToolCallNameNotInTools(Rule):
    """The model calls a function that the request does not offer.

    ## What OpenAI does
    Calls the functions of ``tools``, spelled as they are there.

    ## Why it matters
    Agents raise (openai-agents, pydantic-ai, agno) or mark the call invalid (AI SDK); the others hand the wrong
    name to the caller. A parser that takes text for a call does the same: GLM-4's took a lone word on the first
    line for one, with or without tools in the request. Names that differ in case or by a prefix (``functions.``)
    only are information: some clients know them.

    ## Repair
    None: which function was meant cannot be known.
    """

    name = "tool-call-name-not-in-tools"
    severity = Severity.WARNING
    source = CHAT_CHUNK_TOOL_CALLS
    answer_fact = "unknown-tool"
    repairability = Repairability.NONE
    needs_request = True
    apis = frozenset({api_names.CHAT, api_names.RESPONSES})

    def end(self, ending: Ending) -> Findings:
        tools = self.ctx.tools
        if tools is None or not self.ctx.body or not self._only_functions():
            return
        for call in calls_of(self.ctx):
            if call.name is not None and not tools.intersection(call.names[:1]):
                finding = self._unknown(call.name, tools, call.at, f"{call.path}.function.name")
                if finding is not None:
                    yield changed(finding, span=call.span(".function.name"), offset_us=call.offset_us)
        for item in item_calls(self.ctx):
            finding = self._unknown(item.name, tools, item.closed_at, "item.name") if item.name else None
            if finding is not None:
                yield finding

    def _unknown(self, name: str, tools: frozenset[str], at: int | None, path: str) -> Finding | None:
        """What is wrong with a name; None where the request offers it, or where it holds the model's own markup."""
        if name in tools or markup_in_name(name):
            return None  # the latter is model-markup-in-answer
        near = any(name.lower().endswith(tool.lower()) or tool.lower() in name.lower().split(":") for tool in tools)
        offered = ", ".join(map(quote, sorted(tools)[:5])) if tools else "none"
        return self.found(
            f"the model calls {quote(name)}, which the request does not offer ({offered})",
            at,
            path=path,
            expected=sorted(tools),
            actual=name,
            severity=Severity.INFO if near else None,
        )

    def _only_functions(self) -> bool:
        """Whether every tool of the request is a function: what tools of a vendor's own are called, nobody can tell."""
        return all(reading.as_object(tool).get("type", "function") in _FUNCTIONS for tool in self._tools())

    def _tools(self) -> list[Any]:
        return reading.as_list(self.ctx.body.get("tools"))
