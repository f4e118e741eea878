"""For rules about the whole arguments of a tool call: each call's fault is named by one of them (wire/arguments.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from streamlab.apis.chat.numbering import calls_of, is_one_answer
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire.accumulate import CallState
from streamlab.wire.arguments import ArgumentsFault, fault_of
from streamlab.wire.call_reader import Call
from streamlab.wire.reading import Fact

#: Facts of events that may hold a call, or that may be what nobody read as an event: without one, there is none.
MAY_CALL: Final = (
    Fact.TOOL_CALLS
    | Fact.FRAGMENT
    | Fact.FUNCTION_CALL
    | Fact.MESSAGE
    | Fact.TYPED
    | Fact.COMMENT
    | Fact.UNDECODABLE
    | Fact.LINES
)


class ItemCall(Protocol):
    """A call of the Responses API, as its reader knows it."""

    index: int
    closed_at: int | None

    @property
    def name(self) -> str: ...

    @property
    def arguments(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def is_cut(self) -> bool: ...


def whose(name: object) -> str:
    """The call of this name, in a message."""
    return "a call without a name" if name is None else quote(name)


def item_calls(ctx: RuleState) -> list[ItemCall]:
    """The finished calls of a response; none where chunks hold them."""
    called: list[ItemCall] = getattr(ctx.tracker, "called", [])
    return [call for call in called if call.closed_at is not None]


def legacy_calls(ctx: RuleState) -> list[tuple[int, CallState]]:
    """Calls in the old form that answer tools, with their choices: they are calls as well, and mended to be some."""
    if not ctx.tools or ctx.body.get("functions"):
        return []
    held = ((number, choice.function_call) for number, choice in sorted(ctx.accumulator.choices.items()))
    calls = [(number, call) for number, call in held if call is not None]
    return [_joined(calls)] if len(calls) > 1 and is_one_answer(ctx) else calls


def _joined(pieces: list[tuple[int, CallState]]) -> tuple[int, CallState]:
    """The one call of an answer that has a choice for each piece of it."""
    number = pieces[0][0]
    call = CallState(number, 0)
    for _, piece in pieces:
        call.add({"function": {"name": piece.name, "arguments": str(piece.arguments)}})
    return number, call


def finishes_of(ctx: RuleState) -> Callable[[int], str | None]:
    """By the number of its choice, why a choice finished: where several are one answer, the one reason of all."""
    finishes = ctx.seen.finish_values
    shared = next(iter(finishes.values()), None) if is_one_answer(ctx) else None
    return lambda choice: finishes.get(choice, shared)


class ArgumentsRule(Rule):
    """A rule about one fault; subclasses set ``fault`` and, in ``said``, what the arguments do."""

    fault: ClassVar[ArgumentsFault]
    said: ClassVar[str]
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    ends_after = MAY_CALL

    def end(self, ending: Ending) -> Findings:
        for call in calls_of(self.ctx):
            if fault_of(call) is self.fault:
                text = str(call.arguments)
                finding = self.found(
                    f"the arguments of {whose(call.name)} {self.said}: {quote(text)}",
                    call.at,
                    path=f"{call.path}.function.arguments",
                    span=call.span(".function.arguments"),
                    expected="the text of one JSON object",
                    actual=text,
                    variant=self.variant_of(call),
                )
                yield changed(finding, offset_us=call.offset_us)

    def variant_of(self, call: Call) -> str | None:
        """Which of the rule's `variants` the arguments of a call are; None where it has none."""
        return None
