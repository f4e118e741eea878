"""Which recorded exchanges are one conversation, seen by different taps: by time, content, and a header let through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamlab.comparing.reading import read_exchange
from streamlab.exchange import Exchange
from streamlab.wire.payload import decode_payload

#: Request headers that name a request, lower case; a gateway that lets one through ties both sides together.
_NAMING_HEADERS = frozenset(
    {
        "x-request-id",
        "request-id",
        "x-correlation-id",
        "correlation-id",
        "traceparent",
        "x-client-request-id",
        "x-b3-traceid",
        "x-cloud-trace-context",
        "idempotency-key",
    }
)
#: Below this, two exchanges are not said to belong together.
MIN_CONFIDENCE = 0.5
#: What clocks and scheduling may shift.
_SLACK_US = 5_000
_TEXT_COMPARED = 400
_MAX_STRINGS = 5_000
_TIME, _PROMPT, _ANSWER = 0.35, 0.35, 0.25


@dataclass(frozen=True, slots=True)
class Witness:
    """What one exchange has that ties it to others; times are microseconds of the wall clock."""

    id: int
    tap: str | None
    began_us: int
    ended_us: int
    headers: frozenset[tuple[str, str]]
    prompt: str
    strings: frozenset[str]
    answer: str


@dataclass(frozen=True, slots=True)
class Tie:
    """An exchange that belongs to the same conversation. ``confidence`` is between 0 and 1, ``reasons`` say why."""

    id: int
    tap: str | None
    began_us: int
    confidence: float
    reasons: tuple[str, ...]


def began_us(exchange: Exchange) -> int | None:
    """When the request came in, as microseconds of the wall clock; None when unknown."""
    try:
        return int(datetime.fromisoformat(exchange.started_at or "").timestamp() * 1_000_000)
    except ValueError:
        return None


def witness(exchange: Exchange) -> Witness | None:
    """The ties of one recorded exchange; None when its time is unknown."""
    began = began_us(exchange)
    if began is None or exchange.id is None:
        return None
    request = exchange.request
    body = decode_payload(request.body or b"").value if request is not None else None
    headers = request.headers if request is not None else ()
    strings = frozenset(strings_of(body))
    answer = "".join(text for item in read_exchange(exchange).items for _, text in item.texts)
    return Witness(
        exchange.id,
        exchange.tap,
        began,
        began + (exchange.end_us or 0),
        frozenset((name.lower(), value) for name, value in headers if name.lower() in _NAMING_HEADERS),
        prompt_of(body),
        strings,
        answer[:_TEXT_COMPARED].strip(),
    )


def conversation_of(anchor: Witness, others: Sequence[Witness]) -> list[Tie]:
    """The exchanges of other taps that belong to ``anchor``'s conversation, it included, the innermost first.

    One for each tap, the likeliest; a second candidate as likely halves the confidence and is told as a reason.
    """
    best: dict[str | None, list[Tie]] = {}
    for other in others:
        if other.id != anchor.id and other.tap != anchor.tap:
            tie = _tie(anchor, other)
            if tie.confidence >= MIN_CONFIDENCE:
                best.setdefault(other.tap, []).append(tie)
    ties = [Tie(anchor.id, anchor.tap, anchor.began_us, 1.0, ())]
    for found in best.values():
        found.sort(key=lambda one: (-one.confidence, abs(one.began_us - anchor.began_us)))
        first = found[0]
        rivals = sum(one.confidence >= first.confidence for one in found[1:])
        if rivals:
            reasons = (*first.reasons, f"{rivals} more of this tap {'fits' if rivals == 1 else 'fit'} as well")
            first = Tie(first.id, first.tap, first.began_us, round(first.confidence / 2, 2), reasons)
        ties.append(first)
    return sorted(ties, key=lambda one: -one.began_us)


def _tie(one: Witness, other: Witness) -> Tie:
    """How sure it is that the two belong together."""
    outer, inner = (one, other) if one.began_us <= other.began_us else (other, one)
    reasons: list[str] = []
    confidence = 0.0
    if inner.began_us <= outer.ended_us and inner.began_us >= outer.began_us - _SLACK_US:
        confidence += _TIME
        later = (inner.began_us - outer.began_us) / 1000
        reasons.append(f"asked {later:.1f} ms later, while the other waited")
        if outer.prompt and outer.prompt in inner.strings:
            confidence += _PROMPT
            reasons.append("same prompt")
        elif outer.prompt and inner.prompt:
            confidence -= _PROMPT
        if outer.answer and inner.answer and _same_start(outer.answer, inner.answer):
            confidence += _ANSWER
            reasons.append("same answer")
    shared = outer.headers & inner.headers
    if shared:
        confidence = 0.99
        reasons.append(f"same {min(shared)[0]} header")
    return Tie(other.id, other.tap, other.began_us, round(max(0.0, confidence), 2), tuple(reasons))


def _same_start(a: str, b: str) -> bool:
    shorter = min(len(a), len(b))
    return shorter > 0 and a[:shorter] == b[:shorter]


def prompt_of(body: Any) -> str:
    """The last thing the user said, of whichever API."""
    if not isinstance(body, dict):
        return ""
    turns = body.get("messages") or body.get("contents") or body.get("input") or body.get("prompt") or ()
    if isinstance(turns, str):
        return turns.strip()
    last = ""
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and turn.get("role", "user") in ("user", "tool"):
            last = max(strings_of(turn.get("content", turn.get("parts"))), key=len, default=last)
    return last


def strings_of(value: Any) -> Iterator[str]:
    """The strings inside a JSON value, without white space around them; as many as are worth comparing."""
    waiting, budget = [value], _MAX_STRINGS
    while waiting and budget:
        budget -= 1
        one = waiting.pop()
        if isinstance(one, str):
            yield one.strip()
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
