"""What ``choices[].index`` numbers, and the calls of an answer whose choices are its pieces.

Where an index numbers something else than alternatives, that is one finding; what each piece lacks by itself is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TypeVar

from streamlab.apis import api_names
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.call_reader import Call
from streamlab.wire.choice_parts import TOO_MANY, numbers_parts, one_answer

T = TypeVar("T")


class Numbered(Enum):
    """What the choice indexes of a stream number."""

    ALTERNATIVES = "as they should, or nobody can tell"
    ONE = "the only choice, which is not number 0"
    PIECES = "the chunks of one answer"
    PARTS = "the parts of one answer, each of another kind"


def numbered(ctx: RuleState) -> Numbered:
    """What the indexes number; known at the end of a stream."""
    choices, finishes = ctx.accumulator.choices, ctx.seen.finish_values
    legacy = ctx.api.name == api_names.COMPLETIONS  # its choices say one kind of thing, and have no role to tell by
    if not legacy and numbers_parts(choices, finishes, ctx.n):
        return Numbered.PARTS
    if not one_answer(choices, finishes, ctx.n):
        return Numbered.ALTERNATIVES
    if len(choices) == 1:
        return Numbered.ONE
    counts = reading.counts_tokens(list(choices), len(finishes))
    few = legacy and (not counts or (ctx.n is None and len(choices) < TOO_MANY))
    return Numbered.ALTERNATIVES if few else Numbered.PIECES


def is_one_answer(ctx: RuleState) -> bool:
    """Whether several choices are one answer."""
    return len(ctx.accumulator.choices) > 1 and numbered(ctx) in (Numbered.PIECES, Numbered.PARTS)


def has_calls_in_pieces(ctx: RuleState) -> bool:
    """Whether calls stand in several choices that are one answer, so that a choice may hold a piece of one alone."""
    calls = ctx.calls.calls
    return len(calls) > 1 and any(call.choice != calls[0].choice for call in calls) and is_one_answer(ctx)


def calls_of(ctx: RuleState) -> list[Call]:
    """The calls of the whole stream, each whole."""
    return ctx.calls.joined().calls if has_calls_in_pieces(ctx) else ctx.calls.calls


def of_whole_calls(ctx: RuleState, found: Iterable[tuple[Call, T]]) -> Iterator[tuple[Call, T, bool]]:
    """What was found where calls opened, with the whole call, and whether that is where this one opened: an index that
    numbers pieces lets each of them open one of its own."""
    joined = ctx.calls.joined().whole if has_calls_in_pieces(ctx) else {}
    for call, one in found:
        whole = joined.get(call, call)
        yield whole, one, (whole.at, whole.path) == (call.at, call.path)


def of_opened_calls(ctx: RuleState, found: Iterable[tuple[Call, T]]) -> Iterator[tuple[Call, T]]:
    """The same, where whole calls opened."""
    return ((call, one) for call, one, opens in of_whole_calls(ctx, found) if opens)
