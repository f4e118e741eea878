"""Whether an answer starts over in the middle: a gateway asked again, and sends what the second try says behind what
the first one said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamlab.redaction.placeholders import changed_by_recorder
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.accumulate import Text
from streamlab.wire.choice_parts import kinds_of
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.keepalives import is_told_in, named_by
from streamlab.wire.payload import JsonObject

#: So many chunks have one id before another id is a second answer's: some servers give every chunk its own.
STEADY = 2
#: Characters of a text that begins anew, at least: fewer are a coincidence.
_SHORTEST = 8


def starts_over(
    chunk: JsonObject, before: str | None, *, chunks: int, under_way: Callable[[int], bool], steady: bool
) -> bool:
    """Whether ``chunk`` begins another answer while one is under way: another id, and the role again.

    ``before`` is the id so far, which ``chunks`` chunks had; ``steady`` says whether every change of it was such a
    beginning. ``under_way`` tells whether a choice has said something and has not finished.
    """
    given = chunk.get("id")
    if type(given) is not str or not given or before is None or given == before:
        return False
    if chunks < STEADY or not steady or changed_by_recorder(before, given):
        return False
    begins = not any(map(_finishes, reading.choices(chunk))) and any(map(under_way, _begun(chunk)))
    return begins and named_by({"id": given}) is None  # the id of a keep-alive is no answer's


def _finishes(choice: JsonObject) -> bool:
    reason = choice.get("finish_reason")
    return bool(reason) and not is_blank(reason)


def is_text_again(text: str, length: int) -> bool:
    """Whether a text begins anew after its first ``length`` characters; from some length on that is no coincidence."""
    return length >= _SHORTEST and text.startswith(text[:length], length)


def may_be_again(text: Text, piece: str) -> bool:
    """Whether a text would begin anew with this piece behind it, as far as the piece tells."""
    begun = text.begin(max(_SHORTEST, len(piece)))
    return len(begun) >= _SHORTEST and (begun.startswith(piece) or piece.startswith(begun))


def first_again(text: Text, pieces: Sequence[str]) -> int | None:
    """The number of the first of these pieces, which come one after the other, with which the text may begin anew."""
    begun = text.begin(_SHORTEST)
    if len(begun) < _SHORTEST:
        return 0  # what it begins with is still to come
    return next((at for at, one in enumerate(pieces) if one[0] == begun[0] and may_be_again(text, one)), None)


def says_all_at_the_end(choice: JsonObject, text: str) -> bool:
    """Whether a chunk that finishes a choice says all its text once more: the end of an answer, and no other."""
    return bool(text and choice.get("finish_reason")) and reading.content(reading.delta(choice)) == text


def ids_of_two(ctx: RuleState, chunk: JsonObject) -> tuple[str, str] | None:
    """The id before and that of a chunk which begins another answer; None where it does not."""
    last = ctx.seen.last_of_answer or {}
    if last.get("id") == chunk.get("id"):
        return None
    steady = ctx.seen.first_chunk is not None and ctx.seen.first_chunk.get("id") == last.get("id")
    steady = steady and not _begun(last) & _begun(chunk)  # some say it in every chunk
    before = last.get("id")
    known = before if type(before) is str else None
    if not starts_over(
        chunk, known, chunks=ctx.seen.chunks, under_way=lambda index: under_way(ctx, index), steady=steady
    ):
        return None
    return str(known), str(chunk["id"])


def _begun(chunk: JsonObject) -> set[int]:
    """The choices that say their role in a chunk."""
    return {reading.choice_index(one) for one in reading.choices(chunk) if reading.delta(one).get("role")}


def new_id(ctx: RuleState, chunk: JsonObject) -> tuple[str, str] | None:
    """The id before and that of a chunk, where one that was steady changes; None elsewhere."""
    first, last, given = ctx.seen.first_chunk or {}, ctx.seen.last_of_answer or {}, chunk.get("id")
    before = last.get("id")
    if type(before) is not str or type(given) is not str or not given or before == given:
        return None
    steady = ctx.seen.chunks >= STEADY and first.get("id") == before
    return (before, given) if steady and not changed_by_recorder(before, given) else None


def under_way(ctx: RuleState, index: int) -> bool:
    """Whether a choice has said its role and something, and has not finished."""
    return index not in ctx.seen.finish_values and has_said(ctx, index)


def has_said(ctx: RuleState, index: int) -> bool:
    """Whether a choice has said its role and something."""
    state = ctx.accumulator.choices.get(index)
    if state is None or (state.role is None and not _told_role(ctx, index)):
        return False
    said = state.content or state.reasoning or state.calls or state.refusal
    return bool(said) or any(
        reading.choice_index(one) == index and (is_told_in(one.get("delta")) or kinds_of(reading.delta(one)))
        for one in reading.choices(ctx.seen.last_of_answer or {})
    )


def _told_role(ctx: RuleState, index: int) -> bool:
    """Whether a choice began with a role that is no text, which no client holds."""
    begun = reading.choices(ctx.seen.first_chunk or {})
    return any(reading.choice_index(one) == index and reading.delta(one).get("role") for one in begun)
