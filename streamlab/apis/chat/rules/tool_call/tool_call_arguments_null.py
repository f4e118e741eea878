"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.arguments_rule import MAY_CALL, finishes_of, legacy_calls, whose
from streamlab.apis.chat.numbering import of_whole_calls
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.call_reader import Call
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_STAYS = 'the arguments stay ""'


class ToolCallArgumentsNull(LateRule):
    """A tool call opens without arguments text, or never has any.

    ## What OpenAI does
    Sends ``"arguments": ""`` in the first fragment, and ``{}`` for a call without arguments.

    ## Why it matters
    The documented loops over plain streams add null to a string and raise; openai-python's ``.stream()`` helper
    raises where no text follows and a tool is strict. Arguments that stay ``""`` are no JSON:
    {clients: raises when they are empty text throughout} measured clients hand them to a parser and raise, both
    ``.stream()`` helpers among them where a tool is strict; the others read them as no arguments (Pydantic AI,
    OpenAI's Python agents, Agno and smolagents do when they run the tool), or hand on the empty text: AutoGen and
    OpenAI's agents for JavaScript then do not run the tool, and tell the model that its arguments are no JSON. So
    arguments that never come are an error, and a first delta without any is a warning.

    ## Repair
    ``""`` in the first fragment. Arguments that stay empty are left so: whether none were meant shows only at the end.
    """

    name = "tool-call-arguments-null"
    severity = Severity.WARNING
    source = CHAT_CHUNK_TOOL_CALLS
    repairability = Repairability.SAFE
    repair = ToolCalls
    on = Fact.FRAGMENT
    ends_after = on | MAY_CALL
    alike = True
    variants = ("a delta has none", "they are null throughout", "they are empty text throughout")

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        #: Calls whose first fragment lacks it, with the finding to make; where it is empty, as OpenAI's is, its place.
        self._opened: list[tuple[Call, Finding | Place]] = []
        self._bare: list[Call] = []  # calls that began without a function

    def event(self, at: int, event: StreamEvent) -> None:
        for fragment in self.ctx.fragments(at, event):
            function = fragment.raw.get("function")
            if type(function) is not dict:
                self._bare += [fragment.call] * fragment.opens
                continue
            opens = fragment.opens or any(call is fragment.call for call in self._bare)
            self._bare = [call for call in self._bare if call is not fragment.call]
            arguments = function.get("arguments", "(absent)")
            path = f"{fragment.path}.function.arguments"
            if opens and arguments == "":
                self._opened.append((fragment.call, self.keep(at, event, path)))
            elif arguments is None or (arguments == "(absent)" and opens):
                what = "null" if arguments is None else "absent"
                finding = self.found(f"arguments are {what}", at, path=path, expected="", actual=arguments)
                self._opened.append((fragment.call, self.placed(finding, event)))

    def end(self, ending: Ending) -> Findings:
        finish_of = finishes_of(self.ctx)
        for call, one, opens in of_whole_calls(self.ctx, self._opened):
            if not opens and (isinstance(one, Place) or one.actual is not None):
                continue  # a later fragment need not have any
            cut = not self.ctx.is_over(ending) or finish_of(call.choice) in (None, "length")
            stays_empty = not (call.arguments or call.not_text or cut)
            sent_empty = isinstance(one, Place)
            if not call.ghost and (not sent_empty or stays_empty):
                has_some = bool(call.arguments or call.not_text)
                repairability = Repairability.NONE if stays_empty else Repairability.SAFE
                finding = self.found_at(one, _STAYS, expected="{}", actual="") if isinstance(one, Place) else one
                yield changed(
                    finding,
                    severity=Severity.ERROR if stays_empty and call.name else finding.severity,
                    repairability=repairability,
                    variants=(self.variants[0 if has_some else 2 if sent_empty else 1],),
                )
        yield from self._legacy(ending)

    def _legacy(self, ending: Ending) -> Findings:
        """Calls in the old form that never have any: no client of tools gets them before they are made calls."""
        ctx, finish_of = self.ctx, finishes_of(self.ctx)
        for number, call in legacy_calls(ctx):
            cut = not ctx.is_over(ending) or finish_of(number) in (None, "length")
            if call.name and not str(call.arguments) and not cut:
                yield self.found(
                    f"the arguments of {whose(call.name)} never come",
                    path=f"choices[{ctx.accumulator.choice(number).place}].delta.function_call.arguments",
                    expected="{}",
                    actual="",
                    severity=Severity.ERROR,
                    repairability=Repairability.NONE,
                    variant=self.variants[2],
                )
