"""Where two JSON values differ, member by member: iterative and bounded, for request bodies are anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from streamlab.wire.visible import visible

_MAX_COMPARED = 50_000
#: What stands where one side has no such member.
ABSENT = object()


class JsonDifference(NamedTuple):
    """One place: ``path`` is "" for the whole; a side without such a member is `ABSENT`."""

    path: str
    recorded: Any
    sent: Any

    @property
    def text(self) -> str:
        """In words, safe to print."""
        return f"{visible(self.path or 'body', 80)} recorded {_shown(self.recorded)}, sent {_shown(self.sent)}"


def json_differences(recorded: Any, sent: Any) -> Iterator[JsonDifference]:
    """The innermost places where two values differ; numbers by value, objects without regard to order, lists of
    unequal length as a whole. After 50,000 compared values what remains counts as one difference."""
    waiting, budget = [(recorded, sent, "")], _MAX_COMPARED
    while waiting:
        budget -= 1
        left, right, where = waiting.pop()
        if budget < 0:
            yield JsonDifference(where, left, right)
            return
        if isinstance(left, dict) and isinstance(right, dict):
            for key in sorted({*left, *right}, reverse=True):
                inner = f"{where}.{key}" if where else key
                waiting.append((left.get(key, ABSENT), right.get(key, ABSENT), inner))
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            waiting += [(left[at], right[at], f"{where}[{at}]") for at in reversed(range(len(left)))]
        elif isinstance(left, bool) != isinstance(right, bool) or not _same(left, right):
            yield JsonDifference(where, left, right)


def _same(left: Any, right: Any) -> bool:
    # Neither is a container of the other's kind, so nothing nested is compared.
    nested = isinstance(left, dict | list) or isinstance(right, dict | list)
    return not nested and bool(left == right)


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return visible(repr(value), 60)
