"""Which recorded exchange answers a request, and, where none does, which is nearest and what differs.

A ladder of three rungs. *Exact*: method, path (with query) and body are equal; bodies are compared as JSON values.
*Tolerated*: equal but for what is known not to matter, and each such difference is told: the order of an object's keys,
how a number is spelt, what the recorder masked, members that were declared (``ignore``), and with `Match.LADDER` the
members in `VOLATILE`, which name a request without changing what is asked. The *nearest* recording of the rest is named
and never served. What is unknown about a recording matches anything. Equal requests are served in recorded order; the
last of them answers all that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from streamlab.errors import UsageError
from streamlab.exchange import Request
from streamlab.playback.json_differences import JsonDifference, json_differences
from streamlab.redaction import MASK, REDACTED
from streamlab.wire.payload import decode_payload, encode_json
from streamlab.wire.visible import visible

_SHOWN_DIFFERENCES = 5
#: Of so many candidates at most the nearest is looked for.
_MAX_NEAR = 200

#: Members that label a request, ask for accounting or steer caches and queues: a model is asked the same without them.
VOLATILE = (
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "stream_options",
    "include",
    "client_metadata",
    "messages[*].id",
    "input[*].id",
)


class Match(StrEnum):
    """How much a request may differ from the recorded one that answers it."""

    STRICT = "strict"  # in nothing but what is declared
    LADDER = "ladder"  # also in members that label a request
    ANY = "any"  # in everything


class Rung(StrEnum):
    """How a request was found."""

    EXACT = "exact"
    TOLERATED = "tolerated"
    NAMED = "named"  # the request named it, as ``/@NAME/...``
    ANY = "any"  # nothing that was compared is equal


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is compared of a recorded request. ``names`` are what ``/@NAME`` may call it."""

    names: tuple[str, ...]
    method: str | None
    path: str | None
    body: Any
    body_known: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The candidate that answers, by index, and what was different without mattering, in words."""

    index: int
    rung: Rung
    tolerated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing answers. ``message`` says what is nearest, what differs and how to go on, in one line.

    ``nearest`` is its name ("" when there is none), ``differences`` what differs from it, a line each, ``ignore`` the
    patterns that, declared, would let it answer; empty when more than members of the body differ.
    """

    message: str
    nearest: str = ""
    differences: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def candidate(names: Sequence[str], request: Request | None) -> Candidate:
    """What is compared of this request."""
    if request is None:
        return Candidate(tuple(names), None, None, None, False)
    known = request.body is not None
    return Candidate(tuple(names), request.method or None, target_of(request.url), _normalised(request.body), known)


def target_of(url: str) -> str:
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


class Ignored:
    """Paths that may differ, and all below them: ``metadata``, ``messages[*].id``, ``metadata.*``, ``tools[0]``.

    ``*`` stands for any key, ``[*]`` for any index. Raises UsageError for what is no such path.
    """

    _PATH = re.compile(r"(?:[^.\[\]]+|\[(?:\*|\d+)\])(?:\.[^.\[\]]+|\[(?:\*|\d+)\])*")

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            if not self._PATH.fullmatch(pattern):
                raise UsageError(
                    f"{visible(pattern, 60)!r} is no path to ignore; one looks like user, messages[*].id, metadata.*"
                )
        parts = ("|".join(_pattern(one) for one in patterns)) or r"(?!)"
        self._allows = re.compile(f"(?:{parts})(?:[.\\[].*)?", re.DOTALL)

    def allows(self, path: str) -> bool:
        """Whether this path may differ."""
        return self._allows.fullmatch(path) is not None


def _pattern(path: str) -> str:
    steps = re.split(r"(\*)", path)
    # A key's own dots and brackets are in the path as they are: `[^.\[]+` keeps a star within one step.
    return "".join(r"[^.\[\]]+" if one == "*" else re.escape(one) for one in steps)


@dataclass
class Matcher:
    """Finds the candidate that answers a request; remembers which were served.

    ``ignore`` are the declared paths. Raises UsageError for one that is none.
    """

    candidates: Sequence[Candidate]
    mode: Match = Match.STRICT
    ignore: Sequence[str] = ()
    served: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        volatile = VOLATILE if self.mode is Match.LADDER else ()
        self._ignored = Ignored((*self.ignore, *volatile))

    def match(self, method: str, target: str, body: bytes) -> Found | Miss:
        """The candidate that answers. ``/@NAME/path`` names one, whatever was asked."""
        if target.startswith("/@"):
            return self._named(unquote(re.split("[/?]", target[2:], maxsplit=1)[0]))
        sent = _normalised(body)
        exact = [at for at, one in enumerate(self.candidates) if _place(one, method, target) == 0 and _equal(one, sent)]
        if exact:
            chosen = self._choose(exact)
            respelt = _respelt(self.candidates[chosen], sent)
            return Found(chosen, Rung.TOLERATED if respelt else Rung.EXACT, respelt)
        for at in self._in_turn():
            one = self.candidates[at]
            if _place(one, method, target) == 0 and (tolerated := self._tolerated(one, sent)):
                self.served.add(at)
                return Found(at, Rung.TOLERATED, tolerated)
        if self.mode is Match.ANY and self.candidates:
            return Found(self._choose(self._nearest(method, target)), Rung.ANY)
        return self._explain(method, target, sent)

    def _choose(self, equal: Sequence[int]) -> int:
        # What names the request most exactly first: a recording of unknown request answers only what nothing else does.
        known = [at for at in equal if self.candidates[at].body_known] or equal
        chosen = next((at for at in known if at not in self.served), known[-1])
        self.served.add(chosen)
        return chosen

    def _in_turn(self) -> Iterator[int]:
        """Those not served yet in recorded order, then the others, the last one first."""
        numbers = range(len(self.candidates))
        yield from (at for at in numbers if at not in self.served)
        yield from (at for at in reversed(numbers) if at in self.served)

    def _named(self, name: str) -> Found | Miss:
        for at, one in enumerate(self.candidates):
            if name in one.names:
                self.served.add(at)
                return Found(at, Rung.NAMED)
        known = ", ".join(one.names[0] for one in self.candidates[:10] if one.names)
        return Miss(f"no exchange is called {visible(name, 60)}; there are: {known}")

    def _tolerated(self, one: Candidate, sent: Any) -> tuple[str, ...]:
        """What differs from this candidate without mattering, in words; nothing when something does matter."""
        told = []
        for found in json_differences(one.body, sent):
            if _masked(found.recorded, found.sent):
                told.append(f"{found.path} was masked in the recording")
            elif found.path and self._ignored.allows(found.path):
                told.append(f"{found.path} may differ")
            else:
                return ()
        return tuple(told)

    def _nearest(self, method: str, target: str) -> list[int]:
        places = [_place(one, method, target) for one in self.candidates]
        best = min(places)
        return [at for at, place in enumerate(places) if place == best]

    def _explain(self, method: str, target: str, sent: Any) -> Miss:
        if not self.candidates:
            return Miss("nothing is loaded to replay")
        close = [self.candidates[at] for at in self._nearest(method, target)][:_MAX_NEAR]
        nearest = min(close, key=lambda one: sum(1 for _ in self._matters(one, sent)))
        inside = list(self._matters(nearest, sent))
        told = [*_outside(nearest, method, target), *(one.text for one in inside)]
        more = f" and {len(told) - _SHOWN_DIFFERENCES} more" if len(told) > _SHOWN_DIFFERENCES else ""
        name = nearest.names[0] if nearest.names else "?"
        message = (
            f"no recorded request matches {visible(method, 20)} {visible(target, 120)}; the nearest is exchange {name}:"
            f" {'; '.join(told[:_SHOWN_DIFFERENCES])}{more}. To play it all the same, ask for it by name (base URL"
            f" http://ADDRESS/@{name}/v1) or let any request match (--match any); else record this request"
        )
        only_members = len(told) == len(inside) and all(one.path for one in inside)
        ignore = tuple(dict.fromkeys(re.sub(r"\[\d+\]", "[*]", one.path) for one in inside)) if only_members else ()
        return Miss(message, name, tuple(told), ignore)

    def _matters(self, one: Candidate, sent: Any) -> Iterator[JsonDifference]:
        if one.body_known:
            for found in json_differences(one.body, sent):
                if not _masked(found.recorded, found.sent) and not (found.path and self._ignored.allows(found.path)):
                    yield found


def _masked(recorded: Any, sent: Any) -> bool:
    """Whether the recording lost a secret here: as a whole, or some letters of what was sent."""
    if not isinstance(recorded, str):
        return False
    if REDACTED in recorded:
        return True
    # A body keeps its length, and an x where a letter was (`streamlab.sharing.requests`).
    if not isinstance(sent, str) or len(sent) != len(recorded):
        return False
    return all(was in (now, MASK) for was, now in zip(recorded, sent, strict=True))


def _place(one: Candidate, method: str, target: str) -> int:
    """How far a candidate is from where the request went: 0 is there."""
    return 2 * (one.path not in (None, target)) + (one.method not in (None, method))


def _equal(one: Candidate, sent: Any) -> bool:
    if not one.body_known:
        return True
    try:
        if one.body != sent:
            return False
    except RecursionError:  # nested as deep as can be read: compared step by step below
        pass
    # Python takes true for 1, JSON does not.
    return next(json_differences(one.body, sent), None) is None


def _respelt(one: Candidate, sent: Any) -> tuple[str, ...]:
    """What differs between equal JSON values: the order of keys, how numbers are spelt."""
    if not one.body_known or encode_json(one.body) == encode_json(sent):
        return ()
    return ("keys stand in another order, or numbers are spelt in another way",)


def _outside(one: Candidate, method: str, target: str) -> Iterator[str]:
    if one.method not in (None, method):
        yield f"method recorded {visible(str(one.method), 20)}, sent {visible(method, 20)}"
    if one.path not in (None, target):
        yield f"path recorded {visible(str(one.path), 80)}, sent {visible(target, 80)}"
