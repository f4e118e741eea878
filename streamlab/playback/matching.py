"""Which recorded exchange answers a request, and, where none does, which is nearest and what differs.

A request matches a recorded one when method and path (with query) are equal and the bodies are equal as JSON, key
order aside. What is unknown about a recording matches anything. Equal requests are served in recorded order; the last
of them answers all that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from streamlab.exchange import Request
from streamlab.wire.payload import decode_payload
from streamlab.wire.visible import visible

_SHOWN_DIFFERENCES = 5
_MAX_COMPARED = 5_000
#: Of so many candidates at most the nearest is looked for.
_MAX_NEAR = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is compared of a recorded request. ``names`` are what ``/@NAME`` may call it."""

    names: tuple[str, ...]
    method: str | None
    path: str | None
    body: Any
    body_known: bool


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing answers; ``message`` says what is nearest, what differs and how to go on, in one line."""

    message: str


def candidate(names: Sequence[str], request: Request | None) -> Candidate:
    """What is compared of this request."""
    if request is None:
        return Candidate(tuple(names), None, None, None, False)
    known = request.body is not None
    return Candidate(tuple(names), request.method or None, _target(request.url), _normalised(request.body), known)


def _target(url: str) -> str:
    """Path and query of a URL or a bare path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _normalised(body: bytes | None) -> Any:
    if not body:
        return None
    payload = decode_payload(body)
    return payload.value if payload.ok else body


class Matcher:
    """Finds the candidate that answers a request; remembers which were served."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._served: set[int] = set()

    def match(self, method: str, target: str, body: bytes) -> int | Miss:
        """The index of the candidate that answers. ``/@NAME/path`` names one, whatever was asked."""
        if target.startswith("/@"):
            return self._named(unquote(re.split("[/?]", target[2:], maxsplit=1)[0]))
        sent = _normalised(body)
        equal = [
            at
            for at, one in enumerate(self._candidates)
            if one.method in (None, method) and one.path in (None, target) and _same_body(one, sent)
        ]
        if not equal:
            return Miss(self._explain(method, target, sent))
        # What names the request most exactly first: a recording of unknown request answers only what nothing else does.
        known = [at for at in equal if self._candidates[at].body_known] or equal
        chosen = next((at for at in known if at not in self._served), known[-1])
        self._served.add(chosen)
        return chosen

    def _named(self, name: str) -> int | Miss:
        for at, one in enumerate(self._candidates):
            if name in one.names:
                return at
        known = ", ".join(one.names[0] for one in self._candidates[:10] if one.names)
        return Miss(f"no exchange is called {visible(name, 60)}; there are: {known}")

    def _explain(self, method: str, target: str, sent: Any) -> str:
        if not self._candidates:
            return "nothing is loaded to replay"
        places = [(one.path not in (None, target), one.method not in (None, method)) for one in self._candidates]
        best = min(places)
        close = [one for one, place in zip(self._candidates, places, strict=True) if place == best]
        nearest = min(close[:_MAX_NEAR], key=lambda one: sum(1 for _ in _differences(one, method, target, sent)))
        told = list(_differences(nearest, method, target, sent))
        more = f" and {len(told) - _SHOWN_DIFFERENCES} more" if len(told) > _SHOWN_DIFFERENCES else ""
        name = nearest.names[0] if nearest.names else "?"
        return (
            f"no recorded request matches {visible(method, 20)} {visible(target, 120)}; the nearest is exchange {name}:"
            f" {'; '.join(told[:_SHOWN_DIFFERENCES])}{more}. Ask for it by name with base URL .../@{name}/...,"
            " or record this request"
        )


def _same_body(one: Candidate, sent: Any) -> bool:
    try:
        return not one.body_known or bool(one.body == sent)
    except RecursionError:  # nested as deep as can be read, and so too deep to compare
        return False


def _differences(one: Candidate, method: str, target: str, sent: Any) -> Iterator[str]:
    if one.method not in (None, method):
        yield f"method recorded {visible(str(one.method), 20)}, sent {visible(method, 20)}"
    if one.path not in (None, target):
        yield f"path recorded {visible(str(one.path), 80)}, sent {visible(target, 80)}"
    if one.body_known:
        yield from _body_differences(one.body, sent, "")


def _body_differences(recorded: Any, sent: Any, path: str, budget: int = _MAX_COMPARED) -> Iterator[str]:
    """Where two JSON values differ; iterative and bounded, for bodies are anybody's."""
    waiting = [(recorded, sent, path)]
    while waiting and budget:
        budget -= 1
        left, right, where = waiting.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            for key in sorted({*left, *right}, reverse=True):
                inner = f"{where}.{key}" if where else key
                waiting.append((left.get(key, _ABSENT), right.get(key, _ABSENT), inner))
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            pairs = enumerate(zip(left, right, strict=True))
            waiting += reversed([(a, b, f"{where}[{at}]") for at, (a, b) in pairs])
        elif left != right:
            yield f"{visible(where or 'body', 80)} recorded {_shown(left)}, sent {_shown(right)}"


_ABSENT = object()


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return visible(repr(value), 60)
