"""A fixture against a normalizer: fed whole, event by event, byte by byte and in seeded random cuts, compared with
``expected.sse``, and, when it differs, shrunk to the smallest cutting that still differs.

Used by the pytest plugin; free of pytest, so that anything else can use it.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from streamlab.engine.analyzer import analyze
from streamlab.engine.normalizer import Normalizer, repair_classes
from streamlab.engine.shrinking import ddmin
from streamlab.errors import UnreadableInputError, UsageError
from streamlab.exchange import Exchange, ResponseHead, Segment
from streamlab.rules.finding import Finding, Severity
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.apis import JUDGED, Api, api_of_path
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import SSEDecoder
from streamlab.wire.stream import StreamDecoder
from streamlab.wire.visible import visible

EXPECTED, FINDINGS = "expected.sse", "findings.json"
_RANDOM_CUTTINGS = 6
#: A body beyond this is not fed byte by byte: nobody waits for that in a test.
_MAX_BYTEWISE = 256 * 1024


class Machine(Protocol):
    """What is tested: takes bytes, gives bytes."""

    def feed(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


MachineFactory = Callable[[Exchange], Machine]


@dataclass(frozen=True, slots=True)
class Fixture:
    """A regression fixture: an exchange directory, with what is expected of it where it has been written down."""

    path: Path
    exchange: Exchange
    expected: bytes | None
    findings: list[dict[str, Any]] | None


def read_fixture(path: Path) -> Fixture:
    """Read a fixture directory. Raises UnreadableInputError."""
    exchange = read_exchange_dir(path)
    expected, findings = path / EXPECTED, path / FINDINGS
    listed = None
    if findings.exists():
        try:
            listed = json.loads(findings.read_bytes())
        except ValueError as error:
            raise UnreadableInputError(f"{findings}: not JSON ({error})") from None
    return Fixture(path, exchange, expected.read_bytes() if expected.exists() else None, listed)


def write_expectations(path: Path, exchange: Exchange) -> None:
    """Write what our normalizer and our rules make of an exchange beside it."""
    mended, _ = run(our_machine(exchange), [exchange.body])
    (path / EXPECTED).write_bytes(mended)
    (path / FINDINGS).write_text(findings_text(found_in(exchange)), encoding="utf-8")


def found_in(exchange: Exchange) -> list[dict[str, Any]]:
    """The findings of an exchange as findings.json words them."""
    found: list[dict[str, Any]] = json.loads(json.dumps([summary(one) for one in analyze(exchange).findings]))
    return found


def summary(finding: Finding) -> dict[str, Any]:
    """The part of a finding that a fixture pins down."""
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": finding.message,
        "event": finding.event,
        "span": list(finding.span) if finding.span else None,
        "path": finding.path,
        "count": finding.count,
        "expected": finding.expected,
        "actual": finding.actual,
    }


def findings_text(findings: list[dict[str, Any]]) -> str:
    """findings.json: one finding after the other, indented, so that a diff is readable."""
    text = json.dumps(findings, ensure_ascii=False, indent=1) + "\n"
    # Half a character cannot be written as UTF-8, and what no editor shows is better seen as an escape.
    return (
        text if visible(text.replace("\n", " ")) == text.replace("\n", " ") else json.dumps(findings, indent=1) + "\n"
    )


# -- machines ----------------------------------------------------------------------------------------------------


class _Ours:
    """Our normalizer, told how the exchange ended."""

    def __init__(self, exchange: Exchange) -> None:
        self._inner = Normalizer(exchange.request, exchange.head)
        self._ending = exchange.ending

    def feed(self, data: bytes) -> bytes:
        return self._inner.feed(data)

    def finish(self) -> bytes:
        return self._inner.finish(self._ending)


class _Streaming:
    """A callable from an iterable of bytes to an iterable of bytes, as a machine: it runs when all cuts are known."""

    def __init__(self, function: Callable[[Iterable[bytes]], Iterable[bytes]]) -> None:
        self._function = function
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._pieces.append(data)
        return b""

    def finish(self) -> bytes:
        return b"".join(self._function(iter(self._pieces)))


def our_machine(exchange: Exchange) -> Machine:
    """streamlab's own normalizer."""
    return _Ours(exchange)


def machine_factory(name: str | None) -> MachineFactory:
    """The machine that ``package.module:name`` names; ours for None. Raises UsageError."""
    if name is None:
        return our_machine
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"{name!r} is not package.module:name")
    try:
        found: Any = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"cannot load the normalizer {name}: {error}") from None
    if isinstance(found, type):
        if not (hasattr(found, "feed") and hasattr(found, "finish")):
            raise UsageError(f"the normalizer {name} is a class without feed and finish")
        return lambda _exchange: found()
    if callable(found):
        return lambda _exchange: _Streaming(found)
    raise UsageError(f"the normalizer {name} is neither a callable nor a class with feed and finish")


def run(machine: Machine, pieces: Iterable[bytes]) -> tuple[bytes, str | None]:
    """What a machine makes of these pieces, and the error it raised, if it raised one."""
    out: list[bytes] = []
    try:
        for piece in pieces:
            out.append(machine.feed(piece))
        out.append(machine.finish())
    except Exception as error:
        return b"".join(out), f"it raised {type(error).__name__}: {error}"
    return b"".join(out), None


# -- cuttings ----------------------------------------------------------------------------------------------------


def cuttings(fixture: Fixture) -> Iterator[tuple[str, list[int]]]:
    """Names and cut positions: whole, event by event, byte by byte, and seeded random cuts."""
    body = fixture.exchange.body
    yield "whole", []
    decoder = SSEDecoder()
    ends = [event.span[1] for event in (*decoder.feed(body), *decoder.finish())]
    yield "event by event", [end for end in ends if 0 < end < len(body)]
    if len(body) <= _MAX_BYTEWISE:
        yield "byte by byte", list(range(1, len(body)))
    for seed in range(_RANDOM_CUTTINGS):
        chance = random.Random(seed)
        count = min(len(body) - 1, chance.randint(1, 40)) if len(body) > 1 else 0
        yield f"random cuts, seed {seed}", sorted(chance.sample(range(1, len(body)), count)) if count else []


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    """A body cut at these positions."""
    bounds = [0, *cuts, len(body)]
    return [body[start:stop] for start, stop in itertools.pairwise(bounds) if start < stop]


# -- judging -----------------------------------------------------------------------------------------------------


#: What is wrong with an output, in lines; [] when nothing is.
Comparison = Callable[[Fixture, bytes], list[str]]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How a normalizer's output differs from what is expected, under which smallest cutting, and by whose fault."""

    cutting: str
    cuts: list[int]
    difference: list[str]
    error: str | None = None
    blame: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"the normalized stream is not what is expected ({self.cutting})"]
        if self.cuts:
            shown = ", ".join(map(str, self.cuts[:20])) + (" …" if len(self.cuts) > 20 else "")
            lines.append(f"smallest failing cut: after byte{'s' if len(self.cuts) > 1 else ''} {shown}")
        lines += self.blame
        if self.error:
            lines.append(visible(self.error, 300))
        return "\n".join((*lines, *self.difference))


def check_normalized(fixture: Fixture, make: MachineFactory, compare: Comparison | None = None) -> Mismatch | None:
    """Run every cutting; the first difference, shrunk. ``compare`` is `exactly` unless said otherwise."""
    if fixture.expected is None:
        return None
    body, difference = fixture.exchange.body, compare or exactly

    def fails(cuts: list[int]) -> bool:
        actual, error = run(make(fixture.exchange), pieces(body, cuts))
        return error is not None or (actual != fixture.expected and bool(difference(fixture, actual)))

    for name, cuts in cuttings(fixture):
        if fails(cuts):
            smallest = ddmin(cuts, fails)
            actual, error = run(make(fixture.exchange), pieces(body, smallest))
            blame = _blame(fixture, smallest) if make is our_machine else ()
            return Mismatch(name, smallest, difference(fixture, actual), error, blame)
    return None


def _blame(fixture: Fixture, cuts: list[int]) -> tuple[str, ...]:
    """Which of our repairs made the first event that differs, which had a reason to act and did not, and whose
    deviation is still there."""
    exchange = fixture.exchange
    normalizer = Normalizer(exchange.request, exchange.head)
    try:
        made = [one for piece in pieces(exchange.body, cuts) for one in normalizer.feed_events(piece)]
        made += normalizer.finish_events(exchange.ending)
    except Exception:  # a repair that raises names itself in the error
        return ()
    wanted = parsed(fixture.expected or b"")
    counted = [(_meaning(one.event), one.repairs) for one in made if not isinstance(one.event, Comment)]
    at = next((at for at, (got, want) in enumerate(zip(counted, wanted, strict=False)) if got[0] != want), None)
    at = min(len(wanted), len(counted)) if at is None else at
    reasons = dict.fromkeys(one.rule for one in analyze(exchange).findings)
    still = dict.fromkeys(one.rule for one in _findings_about(fixture, b"".join(one.raw for one in made)))
    settled = {one.rule for one in _findings_about(fixture, fixture.expected or b"")}
    owners = _owners()
    said = {
        f"event {at} was changed by the repair of": counted[at][1] if at < len(counted) else (),
        "had a reason to act and did not: the repair of": [
            rule for rule in reasons if rule in owners and rule not in normalizer.changes and rule not in still
        ],
        "should be gone and is not: the repair of": [rule for rule in still if rule in owners and rule not in settled],
    }
    return tuple(
        f"{words} {', '.join(f'{rule} ({owners[rule]})' if rule in owners else rule for rule in rules)}"
        for words, rules in said.items()
        if rules
    )


def _owners() -> dict[str, str]:
    """rule -> the names of the repairs that mend it."""
    found: dict[str, list[str]] = {}
    for repair in repair_classes(unsafe=True):
        for rule in repair.rules:
            found.setdefault(rule, []).append(repair.__name__)
    return {rule: ", ".join(names) for rule, names in found.items()}


Parsed = list[tuple[str, Any]]


def parsed(stream: bytes) -> Parsed:
    """A stream as what its events mean: kind and JSON. Comments and framing do not count; an answer that is no stream
    but a JSON object is that object."""
    if stream.lstrip()[:1] == b"{" and (whole := decode_payload(stream)).ok:
        return [("error" if isinstance(whole.value, dict) and "error" in whole.value else "json", whole.value)]
    decoder = StreamDecoder()
    return [_meaning(event) for event in (*decoder.feed(stream), *decoder.finish()) if not isinstance(event, Comment)]


def exactly(fixture: Fixture, actual: bytes) -> list[str]:
    """The same events with the same JSON."""
    expected = fixture.expected or b""
    return [] if _parsed_once(expected) == parsed(actual) else event_diff(expected, actual)


_parsed_once = lru_cache(maxsize=8)(parsed)


def in_meaning(fixture: Fixture, actual: bytes) -> list[str]:
    """A client holds the same at the end, and nothing is left that an official or mainstream client breaks on.

    What a converter may well make up anew does not count: ids, models, times, and how the text is cut into events.
    """
    expected = fixture.expected or b""
    want, have = _held(_parsed_once(expected)), _held(parsed(actual))
    if want["usage"] is None:  # nobody promised not to count
        want["usage"] = have["usage"]
    lines = []
    for key, value in want.items():
        if value != have[key]:
            lines += [f"{key.replace('_', ' ')}", f"  - {_short(value)}", f"  + {_short(have[key])}"]
    before = {one.rule for one in _findings_about(fixture, expected)}
    left = dict.fromkeys(
        one.rule
        for one in _findings_about(fixture, actual)
        if one.severity is Severity.ERROR and one.rule not in before
    )
    return lines + [f"the output still has an error: {rule}" for rule in left]


def _short(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False), 300)


def _findings_about(fixture: Fixture, stream: bytes) -> tuple[Finding, ...]:
    """What the rules say about an output, read as the answer to the fixture's request."""
    exchange = fixture.exchange
    request, status = exchange.request, exchange.head.status if exchange.head is not None else 200
    if request is not None and api_of_path(request.url) not in (*JUDGED, Api.UNKNOWN):
        request = replace(request, url="/v1/chat/completions", body=None)  # it was translated
    kind = "application/json" if stream.lstrip()[:1] == b"{" else "text/event-stream"
    head = ResponseHead(status, (("content-type", kind),))
    return analyze(Exchange(request=request, head=head, segments=(Segment(None, stream),))).findings


def _held(stream: Parsed) -> dict[str, Any]:
    """What a client holds after these events, without what differs between equals."""
    holding = Accumulator()
    for kind, value in stream:
        if kind == "chunk":
            holding.feed(value)
    whole = holding.completion()
    usage = whole.get("usage")
    counted = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {
        "events_besides_chunks": sorted({kind for kind, _ in stream if kind != "chunk"}),
        "text": whole.get("content") or "",
        "refusal": whole.get("refusal") or None,
        "calls": [call["function"] for call in whole["tool_calls"]],
        "finish_reason": whole.get("finish_reason"),
        "usage": {key: usage.get(key) for key in counted} if isinstance(usage, dict) else None,
    }


def _meaning(event: StreamEvent) -> tuple[str, Any]:
    if isinstance(event, Done):
        return "[DONE]", None
    if isinstance(event, Chunk):
        return "chunk", event.json
    if isinstance(event, ErrorPayload):
        return "error", event.json
    return "undecodable", event.sse.data if event.sse is not None else None


def event_diff(expected: bytes, actual: bytes) -> list[str]:
    """Event by event, what differs, from the first difference on."""
    wanted, got = parsed(expected), parsed(actual)
    lines: list[str] = []
    for at in range(max(len(wanted), len(got))):
        left = wanted[at] if at < len(wanted) else None
        right = got[at] if at < len(got) else None
        if left != right:
            lines.append(f"event {at}")
            lines += [f"  - {_shown(left)}"] if left is not None else ["  - (no such event)"]
            lines += [f"  + {_shown(right)}"] if right is not None else ["  + (no such event)"]
        if len(lines) > 30:
            lines.append("…")
            break
    return lines


def _shown(meaning: tuple[str, Any]) -> str:
    kind, value = meaning
    if value is None:
        return kind
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return f"{kind} {visible(text, 400)}"
