"""The chunks that close an answer, apart from when they come: a finish, usage, and what is left of the others."""

from __future__ import annotations

from collections.abc import Container

from streamlab.apis.chat.repairs.call_opening import finishes_without_calls, reason_with_calls
from streamlab.apis.chat.repairs.emptied import no_logprobs, stops
from streamlab.apis.chat.usage_numbers import NUMBERS, counts
from streamlab.record import changed
from streamlab.rules.repair import ABSENT, Change, Draft, RepairState
from streamlab.wire import reading
from streamlab.wire.finish_reasons import CUTTING_REASONS, meaning_of
from streamlab.wire.json_values import as_it_is
from streamlab.wire.payload import JsonObject

#: The rules of usage in a chunk with choices, and of usage in several chunks.
BESIDE, OFTEN = "usage-on-content-or-finish-chunk", "usage-on-every-chunk"
_MERE_FINISHES = frozenset({"finish-reason-repeated", "finish-reason-every-chunk", "finish-reason-key-absent"})


def best_reason(known: str | None, reason: str, *, called: bool, named: bool = False, is_open: bool = False) -> str:
    """Of two reasons to finish the one that counts: the first, unless it is ``stop`` or means nothing to anybody.
    ``called``: a call came, for the sake of which an answer may finish. ``named``: the request names the tool, so that
    OpenAI says ``stop`` behind the call. ``is_open``: the arguments of a call break off, and so no call is finished."""
    if named and {known, reason} == {"stop", "tool_calls"}:
        return "stop"
    if known is not None and reason == "tool_calls" and not called:
        return known
    if is_open and known == "tool_calls" and meaning_of(reason) in CUTTING_REASONS:
        return reason
    counts = known not in (None, "stop") and (meaning_of(known) or not meaning_of(reason))
    return str(known) if counts else reason


def early_finish(known: str | None, choice: JsonObject) -> str:
    """The rule by whose repair a finish goes that stands on a chunk with more of the answer. ``known``: the reason that
    the choice had given before."""
    if known is None:
        return "finish-reason-on-content-chunk"
    calls = known == "tool_calls" and reading.tool_calls(reading.delta(choice))
    return "tool-call-finish-per-call" if calls else "finish-reason-every-chunk"


def improve(placed: Draft, index: int, best: str) -> None:
    """Give the chunk that finishes a choice the reason that counts."""
    for position, choice in enumerate(reading.choices(placed.json)):
        if reading.choice_index(choice) == index and choice.get("finish_reason") != best:
            was, choice["finish_reason"] = choice["finish_reason"], best
            placed.note("finish-reason-repeated", f"choices[{position}].finish_reason", was, best)


def finish_chunk(state: RepairState, index: int, reason: str, rule: str, draft: Draft, *, said: bool) -> Draft:
    """The finish of a choice in a chunk of its own. ``said``: text of it came behind ``draft``, which has it."""
    choice: JsonObject = {"index": index, "delta": {}, **no_logprobs(draft.json), "finish_reason": reason}
    made = draft.like(rule, choice, "choices[0].finish_reason")
    right = _right(state, choice, reason, said=said)
    if right is not None:
        made.put(right[0], choice, "finish_reason", right[1], "choices[0].")
    if still_finishes(draft):
        made.changes[:0] = [change for change in draft.changes if change not in made.changes]
    return made


def _right(state: RepairState, choice: JsonObject, reason: str, *, said: bool) -> tuple[str, str] | None:
    """What a finish says that stood before what it finishes, and by which rule; None where it says that already."""
    meant = reason_with_calls(state, reason) if state.calling[reading.choice_index(choice)] else None
    if meant is not None:  # the calls came behind it
        return meant, "tool_calls"
    if finishes_without_calls(state, reading.choice_index(choice), reason, said=said):  # text did
        return "tool-call-finish-without-calls", "stop"
    return None


def finish_anew(state: RepairState, draft: Draft, choice: JsonObject, reason: str, rule: str, path: str) -> str:
    """The reason of a chunk that finishes a choice whose finish was taken away before, by ``rule``: the one that counts
    of ``reason`` and what follows from what came behind it."""
    if rule == "finish-reason-on-content-chunk":  # it had finished beside its last text
        draft.note("finish-reason-repeated", "", "a second finish", "the only one")
    rule, reason = _right(state, choice, reason, said=False) or (rule, reason)
    if choice["finish_reason"] != reason:
        draft.put(rule, choice, "finish_reason", reason, path)
    return reason


def vendor_usage(chunk: JsonObject) -> JsonObject:
    """The usage in Groq's own member; empty where there is none that counts anything."""
    inner = reading.as_object(reading.as_object(chunk.get("x_groq")).get("usage"))
    return inner if counts(inner) else {}


def move_last(held: list[Draft], usage: Draft | None) -> None:
    """Usage before the finish, before text or before what a vendor tells goes behind it; moderation may follow it."""
    if usage is None or usage not in held:
        return
    behind = [one for one in held[held.index(usage) + 1 :] if one.is_chunk]
    choices = [choice for one in behind for choice in choices_of(one)]
    follows = bool(choices) or bool(behind and behind[-1].json.get("moderation") is None)
    if follows and not any("audio" in reading.delta(choice) for choice in choices):
        held.remove(usage)
        usage.note("usage-order", "usage")
        held.append(usage)


def without_finish(draft: Draft, rule: str) -> Draft:
    """A chunk that finishes choices, and has something else, without that."""
    for position, choice in enumerate(reading.choices(draft.json)):
        draft.put(rule, choice, "finish_reason", None, f"choices[{position}].")
    return draft


def holds_text(held: list[Draft], index: int) -> bool:
    """Whether text of a choice is among what has not gone out yet."""
    return any(
        reading.choice_index(choice) == index and bool(reading.content(reading.delta(choice)))
        for one in held
        for choice in choices_of(one)
    )


def parted(held: list[Draft], usage: Draft | None) -> tuple[list[Draft], list[Draft]]:
    """What is held before the chunk of usage, and from it on."""
    at = held.index(usage) if usage is not None and usage in held else len(held)
    return held[:at], held[at:]


def still_finishes(draft: Draft) -> bool:
    """Whether a chunk whose finish goes elsewhere has it still: it did not go out itself."""
    return any(one.get("finish_reason") for one in reading.choices(draft.json))


def usage_draft(value: JsonObject, draft: Draft, rule: str, *, alone: bool) -> Draft:
    """Usage in a chunk of its own. ``alone``: nothing else is left of ``draft``; usage that stood beside choices then
    stays in this very chunk, which loses those and nothing besides."""
    made = draft.like(rule, {}, "usage")
    made.json["choices"] = []
    made.json["usage"] = value
    if alone and rule in (BESIDE, OFTEN):
        made.json.update((key, member) for key, member in draft.json.items() if key not in made.json)
        made.changes[-1] = Change(rule, "choices", as_it_is(draft.json["choices"]), [])
    return made


def emptied_by(draft: Draft) -> str:
    """The rule by whose repair a chunk that said something says nothing any more."""
    counted = [one.rule for one in draft.changes if one.path.endswith("usage") and one.was]
    gone = [one for one in draft.changes if one.path.startswith("choices") and one.now in (ABSENT, "", None)]
    gone.sort(key=lambda one: not one.path.endswith("arguments"))  # an id or a name says less
    taken = (one.rule for one in gone if one.rule not in _MERE_FINISHES)
    return counted[0] if counted else next(taken, draft.changes[-1].rule)


def dropped_usage(draft: Draft, listed: list[JsonObject]) -> str:
    """The rule by whose repair a chunk goes of which nothing is left without its usage."""
    return draft.changes[-1].rule if listed else "usage-inconsistent"


def usage_rule(listed: list[JsonObject], finished: Container[int], earlier: Draft | None) -> str:
    """The rule by whose repair usage is taken out of a chunk with choices. Beside text that goes on it is a running
    count, as far as anybody knows then; ``earlier``: the chunk whose usage came before."""
    if earlier is not None:
        tell_again(earlier)
        return OFTEN
    ends = any(
        stops(choice) or reading.choice_index(choice) in finished or reading.tool_calls(reading.delta(choice))
        for choice in listed
    )
    return BESIDE if ends else OFTEN


def tell_again(earlier: Draft) -> None:
    """Tell of usage that was taken out of a chunk which has not gone out that it was not the only one."""
    changes, earlier.changes = earlier.changes, []
    for one in changes:
        if one.rule == BESIDE:
            counted = {"usage": one.was}
            note_nulls(earlier, counted)
            one = changed(one, rule=OFTEN, was=counted["usage"])
        earlier.changes.append(one)


def counted_before(earlier: tuple[JsonObject, Draft, str] | None) -> bool:
    """Whether usage came before, which is told then."""
    if earlier is not None:
        tell_again(earlier[1])
    return earlier is not None


def note_nulls(draft: Draft, chunk: JsonObject) -> None:
    """Note the counts that are null in the running count of a chunk, which goes; they go first."""
    usage = reading.as_object(chunk["usage"])
    nulls = [key for key in NUMBERS if usage.get(key, 0) is None]
    if nulls:
        chunk["usage"] = usage = dict(usage)
    for key in nulls:
        draft.drop("usage-inconsistent", usage, key, "usage.")


def choices_of(draft: Draft) -> list[JsonObject]:
    return reading.choices(draft.json) if draft.is_chunk else []
