"""Choice indexes that number something else than alternatives: the tokens of one answer, or its parts.

Some servers count reasoning as choice 0, text as 1, the tool call as 2 and the finish as 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

from streamlab.wire import reading
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.payload import JsonObject

REASONING, TEXT, CALLS = "reasoning", "text", "calls"
#: So many choices are not asked for; where the request is unknown, they are tokens.
TOO_MANY = 8


def kinds_of(delta: JsonObject) -> frozenset[str]:
    """The kinds of things a delta says."""
    said = (
        (REASONING, any(delta.get(key) for key in reading.REASONING_KEYS)),
        (TEXT, _holds_content(delta) or delta.get("refusal")),
        (CALLS, delta.get("tool_calls") or delta.get("function_call")),
    )
    return frozenset(kind for kind, there in said if there)


def _holds_content(delta: JsonObject) -> bool:
    """Whether a delta has content of any type that is a text, or is made one: false, 0 and {} are."""
    return delta.get("content") not in (None, "", [])


def begins_part(
    said: frozenset[str], says: frozenset[str], *, asked: int | None, told_role: bool, has_role: bool, finishes: bool
) -> bool:
    """Whether the next choice is the next part of the same answer, which has not finished.

    ``said`` is what the choice before said, ``says`` what this one does. An alternative says its role, and says first
    what the others said first; so a part says another kind of thing, and either has no role, or is the text after the
    reasoning.
    """
    if not said or said & says or REASONING in says or not (says or finishes) or (asked is not None and asked > 1):
        return False
    if has_role:
        return said == {REASONING} and TEXT in says
    return asked == 1 or told_role


def one_answer(choices: Mapping[int, ChoiceState], finished: Collection[int], asked: int | None) -> bool:
    """Whether the choices of a whole stream, in order of appearance, are one answer under several indexes."""
    indexes = list(choices)
    if reading.counts_tokens(indexes, len(finished)) and not _may_be_alternatives(choices, asked):
        return True
    goes_on = len(finished) < 2 or (asked == 1 and 0 not in finished)
    return len(indexes) > 1 and goes_on and numbers_parts(choices, finished, asked)


def _may_be_alternatives(choices: Mapping[int, ChoiceState], asked: int | None) -> bool:
    """Whether the indexes may be choices of a stream that ended before they finished."""
    if asked is not None or len(choices) == 1:
        return len(choices) > 1 and asked != 1
    later = list(choices.values())[1:TOO_MANY]
    return len(later) < TOO_MANY - 1 and any(state.role is not None for state in later)


def numbers_parts(choices: Mapping[int, ChoiceState], finished: Collection[int], asked: int | None) -> bool:
    """Whether indexes number the parts of one answer, each of another kind, of which one finishes: the last, or the
    first, where the finish has an index of its own again. Where one answer was asked for, a part may have been lost."""
    indexes = list(choices)
    silent = _silent_last(choices) if asked == 1 and 0 not in finished else set()
    if len(indexes) < 2 or indexes[0] != 0 or indexes != sorted(indexes):
        return False
    if not set(finished) <= {0, indexes[-1], *silent}:
        return False
    if any(state.behind for index, state in choices.items() if index not in silent):
        return False  # the answer was over
    if asked != 1 and indexes[-1] != len(indexes) - 1:
        return False
    kinds = [kinds_held(state) for state in choices.values()]
    first, second = choices[0], choices[indexes[1]]
    return begins_part(
        kinds[0],
        kinds[1],
        asked=asked,
        told_role=first.role is not None,
        has_role=second.role is not None,
        finishes=indexes[1] in finished,
    ) and not any(one & other for one, other in itertools.pairwise(kinds))


def _silent_last(choices: Mapping[int, ChoiceState]) -> set[int]:
    """The last choices, of which none says anything."""
    last = itertools.takewhile(lambda one: not kinds_held(one[1]), reversed([*choices.items()]))
    return {index for index, _ in last}


def kinds_held(state: ChoiceState) -> frozenset[str]:
    """The kinds of things a choice said."""
    said = (
        (REASONING, state.reasoning),
        (TEXT, state.content or state.refusal),
        (CALLS, state.calls or state.function_call),
    )
    return frozenset(kind for kind, there in said if there)
