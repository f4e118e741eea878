"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.arguments_rule import MAY_CALL, legacy_calls
from streamlab.apis.chat.numbering import of_whole_calls
from streamlab.apis.chat.repairs.call_arguments import unwrapped
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.call_reader import Call
from streamlab.wire.events import ErrorPayload, StreamEvent
from streamlab.wire.reading import Fact


class ToolCallNameMissing(Rule):
    """A tool call never gets a name, or one that is no string.

    ## What OpenAI does
    Names the function in the first fragment of every call: 670 of 670 recorded streams.

    ## Why it matters
    There is nothing to call. The AI SDK and the agent SDKs raise; LiteLLM and pydantic-ai drop the call without a
    word while ``finish_reason`` says that there is one. A name that comes behind an error comes too late.

    ## Repair
    None where the name is not there. Where it stands within the arguments, as TGI's ``{"function": {"_name": …}}`` has
    it, it is taken from there; whole arguments without a name beside one call without arguments are that call's.
    """

    name = "tool-call-name-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    of_some = Repairability.SAFE
    answer_fact = "call-without-name"
    repairability = Repairability.NONE
    on = Fact.FRAGMENT | Fact.ERROR
    ends_after = on | MAY_CALL
    alike = True

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._opened: list[tuple[Call, Finding]] = []  # calls whose first fragment lacks it, with the finding to make
        self._listed: list[Call] = []  # calls whose function stands in a list, with arguments and no name
        self._lost: set[int] = set()  # those of them that lacked it when an error came: it may have cut them

    def event(self, at: int, event: StreamEvent) -> None:
        if isinstance(event, ErrorPayload):
            self._lost.update(at for at, (call, _) in enumerate(self._opened) if not call.name)
            return
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
                self._listed += [fragment.call] * _is_listed(fragment.raw.get("function"))

    def end(self, ending: Ending) -> Findings:
        if not self.ctx.is_over(ending):
            return
        for at, (call, finding, opens) in enumerate(of_whole_calls(self.ctx, self._opened)):
            came = not call.ghost or any(call is one for one in self._listed)
            if opens and (at in self._lost) is bool(call.name) and came:
                told = unwrapped(str(call.arguments)) is not None
                yield changed(finding, repairability=Repairability.SAFE) if told else finding
        for number, legacy in legacy_calls(self.ctx):
            if not legacy.name and legacy.arguments:
                yield self.found(
                    "the function_call has no name",
                    path=f"choices[{self.ctx.accumulator.choice(number).place}].delta.function_call.name",
                    expected="the name of a tool of the request",
                    actual="(never)",
                )


def _is_listed(function: Any) -> bool:
    """Whether a list in place of a function holds one with arguments, and no name."""
    held = reading.as_object(function[0]) if type(function) is list and len(function) == 1 else {}
    return bool(held.get("arguments")) and not held.get("name")
