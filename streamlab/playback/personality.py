"""A clean capture that deviates as a known system does: what `replay --as` plays.

The system's deviations are those that its dialect lists as seen in its streams; `ways` knows how a clean stream comes
to show each. What a system does only when it fails, and what a clean capture gives no occasion for, is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches

from streamlab.apis import DEFAULT
from streamlab.dialects.base import Dialect, Kind
from streamlab.dialects.registry import all_dialects
from streamlab.errors import UsageError
from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.playback.ways import ONE_OF, WAYS, PlayedStream, Told
from streamlab.record import changed
from streamlab.wire import reading
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.payload import decode_payload, encode_json
from streamlab.wire.sse import SSEDecoder

_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Personality:
    """A system to play: its dialect, and which of the rules it breaks can be shown on a clean stream."""

    dialect: Dialect
    rules: tuple[str, ...]


def personalities() -> dict[str, Personality]:
    """Every dialect with a witnessed deviation that can be shown, by its name."""
    found = {}
    for dialect in all_dialects():
        hidden = {rule for group in ONE_OF for rule in [one for one in group if one in dialect.deviations][1:]}
        rules = tuple(rule for rule in WAYS if rule in dialect.deviations and rule not in hidden)
        if dialect.witnessed and rules:
            found[dialect.name] = Personality(dialect, rules)
    return found


def personality(name: str) -> Personality:
    """The one of this name; case, dots and underlines do not matter. Raises UsageError, with the nearest."""
    known = {_plain(one): one for one in personalities()}
    if _plain(name) in known:
        return personalities()[known[_plain(name)]]
    near = get_close_matches(_plain(name), known, n=1)
    hint = f"; did you mean {known[near[0]]}?" if near else ""
    raise UsageError(f"no system is called {name!r}{hint}; `streamlab replay TARGET --as help` lists them")


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


@dataclass(frozen=True, slots=True)
class Impersonated:
    """An exchange as a system would have sent it, and the rules that it shows; () where it stayed as it was."""

    exchange: Exchange
    shown: tuple[str, ...]


def impersonated(exchange: Exchange, wanted: Personality) -> Impersonated:
    """The exchange, deviating. What is no complete chat stream stays as it is."""
    played = _taken_apart(exchange, wanted)
    if played is None:
        return Impersonated(exchange, ())
    shown = tuple(rule for rule in wanted.rules if WAYS[rule](played))
    head = exchange.head
    assert head is not None
    kept = tuple(one for one in head.headers if one[0].lower() not in ("content-encoding", "content-length"))
    made = changed(exchange, head=changed(head, headers=kept), segments=tuple(_framed(played)), http_chunks=None)
    return Impersonated(made, shown)


def _taken_apart(exchange: Exchange, wanted: Personality) -> PlayedStream | None:
    head = exchange.head
    report = analyze(exchange)
    if head is None or head.status != 200 or report.api is not DEFAULT:
        return None
    body, decoder, events = BodyDecoder.of(head), SSEDecoder(), list[Told]()
    done = False
    for segment in (*exchange.segments, None):
        data = body.feed(segment.data) if segment is not None else body.finish()
        at = segment.offset_us or 0 if segment is not None else exchange.end_us or 0
        for event in (*decoder.feed(data), *(decoder.finish() if segment is None else ())):
            if event.data is None:
                continue
            if event.data.strip() == _DONE:
                done = True
                continue
            value = decode_payload(event.data).value
            if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
                return None
            events.append(Told(at, json.loads(json.dumps(value))))
    body = decode_payload((exchange.request.body if exchange.request is not None else None) or b"").value
    asked = reading.as_object(reading.as_object(body).get("stream_options")).get("include_usage") is True
    return PlayedStream(events, asked, _own(wanted)) if events and done else None


def _own(wanted: Personality) -> tuple[str, ...]:
    """Members that this system alone puts into its chunks."""
    return tuple(sign.pattern for sign in wanted.dialect.signs if sign.kind is Kind.CHUNK_KEY)


def _framed(told: PlayedStream) -> list[Segment]:
    last = told.events[-1].offset_us if told.events else 0
    end = told.line_end + told.line_end
    found = [
        Segment(one.offset_us, (one.raw if one.json is None else b"data" + told.colon + encode_json(one.json)) + end)
        for one in told.events
    ]
    if told.done:
        found.append(Segment(last, b"data" + told.colon + _DONE + end))
    return found
