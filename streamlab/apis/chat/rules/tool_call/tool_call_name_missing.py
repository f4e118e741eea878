"""See the class."""

from __future__ import annotations

from dataclasses import replace

from streamlab.apis.chat.repairs.call_arguments import unwrapped
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact


class ToolCallNameMissing(Rule):
    """A tool call never gets a name, or one that is no string.

    ## What OpenAI does
    Names the function in the first fragment of every call: 670 of 670 recorded streams.

    ## Why it matters
    There is nothing to call. The AI SDK and the agent SDKs raise; LiteLLM and pydantic-ai drop the call without a
    word while ``finish_reason`` says that there is one.

    ## Repair
    None where the name is not there. Where it stands within the arguments, as TGI's ``{"function": {"_name": …}}`` has
    it, it is taken from there.
    """

    name = "tool-call-name-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    of_some = Repairability.SAFE
    answer_fact = "call-without-name"
    repairability = Repairability.NONE
    on = Fact.FRAGMENT
    alike = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Call, Finding]] = []  # calls whose first fragment lacks it, with the finding to make

    def event(self, at: int, event: StreamEvent) -> None:
        for fragment in self.ctx.fragments(at, event):
            custom = reading.as_object(fragment.raw.get("custom"))
            name = fragment.function.get("name")
            if fragment.opens and not (type(name) is str and name) and not custom:
                finding = self.found(
                    f"the name of the tool call is {quote(name)}, no string" if name else "the tool call has no name",
                    at,
                    path=f"{fragment.path}.function.name",
                    expected="the name of a tool of the request",
                    actual=fragment.function.get("name", "(absent)"),
                )
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        if ending is not Ending.COMPLETE:
            return
        for call, finding in self._opened:
            if not call.name and not call.ghost:
                told = unwrapped(str(call.arguments)) is not None
                yield replace(finding, repairability=Repairability.SAFE) if told else finding
