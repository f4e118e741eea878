"""What two answers in different protocols hold at the end: their calls, parsed, and their usage.

Where events were translated, a call is compared as clients hold it: by name and parsed arguments, whatever its ids and
however its arguments were cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streamlab.comparing.comparison import Difference, Kind, Pair, severity_of
from streamlab.comparing.differences import spot
from streamlab.comparing.reading import Item, Lane, texts_of
from streamlab.comparing.wording import shown
from streamlab.wire import reading
from streamlab.wire.payload import FaultKind, decode_payload, encode_json

#: Events from the end in which usage is looked for.
_LAST = 64
_COUNTS = (("prompt_tokens", "input"), ("completion_tokens", "output"))


@dataclass(slots=True)
class _Call:
    """A call as a client holds it; ``item`` is the event that opened it."""

    item: Item
    name: str = ""
    arguments: str = ""

    @property
    def meaning(self) -> tuple[str, Any]:
        """Its name and its arguments, parsed where they are JSON; none at all are an empty object."""
        text = self.arguments.strip() or "{}"
        payload = decode_payload(text.encode("utf-8", "surrogatepass"))
        whole = payload.ok and not any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults)
        return self.name, encode_json(_ordered(payload.value)).decode("utf-8", "replace") if whole else text


def without_calls(items: Sequence[Item]) -> list[Item]:
    """The events without what they add to calls."""
    kept = []
    for item in items:
        texts = tuple((lane, text) for lane, text in item.texts if "call" not in lane)
        kept.append(item if len(texts) == len(item.texts) else replace(item, texts=texts))
    return kept


def same_answer(a: Sequence[Item], b: Sequence[Item]) -> bool:
    """Whether clients hold the same at the end: texts, calls by name and parsed arguments, how each choice ended."""
    mine, theirs = (texts_of(without_calls(one)) for one in (a, b))
    ends = [
        (
            Counter(tag for item in one for tag in item.tags if tag.startswith("finish_reason")),
            any(item.kind == "error" for item in one),
        )
        for one in (a, b)
    ]
    calls = [[call.meaning for call in _calls(one)] for one in (a, b)]
    return mine == theirs and ends[0] == ends[1] and calls[0] == calls[1]


def names_called(items: Sequence[Item]) -> list[str]:
    """The names of the functions that are called, in order."""
    return [call.name for call in _calls(items)]


def answer_differences(a: Sequence[Item], b: Sequence[Item], *, usage: bool) -> Iterator[Difference]:
    """What b's calls lack, merge or reorder of a's, and the usage that was lost; ``usage``: b should have some."""
    yield from _call_differences(_calls(a), _calls(b))
    if usage:
        yield from _usage_differences(a, b)


# -- calls -----------------------------------------------------------------------------------------------------------


def _calls(items: Sequence[Item]) -> list[_Call]:
    found: dict[Lane, _Call] = {}
    for item in items:
        for lane, text in item.texts:
            if "call" in lane:
                call = found.setdefault(lane[:-1], _Call(item))
                if lane[-1] == "name":
                    call.name += text
                else:
                    call.arguments += text
    return list(found.values())


def _call_differences(mine: list[_Call], theirs: list[_Call]) -> Iterator[Difference]:
    was, now = [call.meaning for call in mine], [call.meaning for call in theirs]
    if was == now:
        return
    if sorted(was) == sorted(now):
        yield _told(Kind.CALLS_REORDERED, "sent the calls in another order", mine[0], theirs[0])
        return
    missing = [call for call in mine if was.count(call.meaning) > now.count(call.meaning)]
    extra = [call for call in theirs if now.count(call.meaning) > was.count(call.meaning)]
    for call in extra:
        parts = _parts(call, missing)
        if len(parts) > 1:
            missing = [one for one in missing if one not in parts]
            names = " and ".join(dict.fromkeys(shown(one.name) for one in parts))
            words = f"merged {len(parts)} calls of {names} into one: {shown(call.arguments)}"
            yield _told(Kind.CALLS_MERGED, words, parts[0], call)
        elif known := next((one for one in missing if one.name == call.name), None):
            missing.remove(known)
            words = f"changed the arguments of {shown(call.name)} ({shown(known.arguments)} became "
            yield _told(Kind.CALL_CHANGED, f"{words}{shown(call.arguments)})", known, call)
        else:
            yield _told(Kind.CALL_ADDED, f"added a call of {shown(call.name)}", None, call)
    for call in missing:
        yield _told(Kind.CALL_LOST, f"lost the call of {shown(call.name)} with {shown(call.arguments)}", call, None)


def _parts(whole: _Call, missing: list[_Call]) -> list[_Call]:
    """The calls whose arguments, one after the other, are those of one call."""
    rest, parts = whole.arguments.strip(), []
    for call in missing:
        piece = call.arguments.strip()
        if piece and rest.startswith(piece):
            parts.append(call)
            rest = rest[len(piece) :].strip()
    return parts if not rest else []


def _told(kind: Kind, words: str, mine: _Call | None, theirs: _Call | None) -> Difference:
    pair = Pair(spot(mine.item) if mine else None, spot(theirs.item) if theirs else None)
    return Difference(kind, severity_of(kind), words, pairs=(pair,))


def _ordered(value: Any) -> Any:
    """The same value with members in the order of their names."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


# -- usage -----------------------------------------------------------------------------------------------------------


def _usage_differences(a: Sequence[Item], b: Sequence[Item]) -> Iterator[Difference]:
    (mine, here), (theirs, there) = _usage(a), _usage(b)
    for key, name in _COUNTS:
        was, now = mine.get(key), theirs.get(key)
        if type(was) is not int or was <= 0 or was == now:
            continue
        lost = type(now) is not int or now == 0
        kind = Kind.USAGE_LOST if lost else Kind.USAGE_CHANGED
        became = "nothing" if now is None else shown(now)
        words = f"{'lost' if lost else 'changed'} the usage: {was:,} {name} tokens became {became}"
        pair = Pair(spot(here) if here else None, spot(there) if there else None)
        yield Difference(kind, severity_of(kind), words, pairs=(pair,), path=key, a_value=was, b_value=now)


def _usage(items: Sequence[Item]) -> tuple[dict[str, Any], Item | None]:
    """The last usage, in the words of chat, and the event that says it."""
    for item in reversed(items[-_LAST:]):
        for value in reversed(item.values()):
            found = reading.usage(value)
            if found:
                return found, item
    return {}, None
