"""Whether a streamed and a whole answer to the same request say the same.

What sampling may change (text, tool calls, finish_reason) is compared only where the request left no room for it:
temperature 0, or a seed. Otherwise the result says that it was not compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from streamlab.apis import UNKNOWN, api_of_json, api_of_path
from streamlab.exchange import Ending, Exchange
from streamlab.rules.api import Api
from streamlab.rules.finding import Finding, Severity
from streamlab.wire import bodies, reading
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.calls import called
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, ErrorPayload
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.stream import StreamDecoder

#: Members that must be the same in every request for two modes to be comparable; these two say which mode it is.
_MODE_MEMBERS = ("stream", "stream_options")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Parity:
    """How the two modes differ. ``notes`` say what was not compared, and why."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    deterministic: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whichever way it came. ``error`` is an error inside the body; ``value`` the first JSON object."""

    status: int | None
    completion: JsonObject
    first: JsonObject
    fingerprint: JsonObject
    error: Any
    logprobs: bool = False


def are_two_modes(a: Exchange, b: Exchange) -> bool:
    """Whether these are one request, asked once streamed and once not."""
    mine, theirs = _request(a), _request(b)
    if mine is None or theirs is None or bool(mine.get("stream")) == bool(theirs.get("stream")):
        return False
    return _without_mode(mine) == _without_mode(theirs)


def compare_modes(one: Exchange, other: Exchange) -> Parity:
    """The differences between the two modes, as findings of the ``parity-*`` rules, about the streamed answer."""
    streamed, whole = (one, other) if request_body(one).get("stream") else (other, one)
    body = request_body(streamed) or request_body(whole)
    mine, theirs = answer_of(streamed), answer_of(whole)
    deterministic = is_deterministic(body)
    findings: list[Finding] = list(_status(mine, theirs))
    notes: list[str] = []
    broken = [name for name, one in (("streamed", streamed), ("whole", whole)) if one.ending is not Ending.COMPLETE]
    if broken:
        notes.append(f"not compared: the {' and the '.join(broken)} answer did not come to its end")
    elif not findings and not (mine.first and theirs.first):
        notes.append("not compared: an answer without JSON")
    elif not findings and _ok(mine) and _ok(theirs):
        findings += _always(mine, theirs)
        if deterministic:
            findings += _when_deterministic(mine, theirs)
        else:
            notes.append("text, tool calls and finish_reason not compared: neither temperature 0 nor a seed was asked")
    elif not findings:
        notes.append("the answers are errors in both modes; nothing else to compare")
    return Parity(tuple(findings), tuple(notes), deterministic)


def is_deterministic(body: JsonObject) -> bool:
    """Whether a request leaves no room for sampling: temperature 0, or a seed."""
    temperature = body.get("temperature")
    return (type(temperature) in (int, float) and temperature == 0) or type(body.get("seed")) is int


def request_body(exchange: Exchange) -> JsonObject:
    """What was asked, as a JSON object; empty when it is unknown or none."""
    return _request(exchange) or {}


def _request(exchange: Exchange) -> JsonObject | None:
    request = exchange.request
    value = decode_payload(request.body).value if request is not None and request.body else None
    return value if isinstance(value, dict) else None


def _without_mode(body: JsonObject) -> JsonObject:
    return {key: value for key, value in body.items() if key not in _MODE_MEMBERS}


def answer_of(exchange: Exchange) -> Answer:
    """An exchange's answer folded into what a client would hold."""
    head = exchange.head
    decoder = BodyDecoder.of(head, guess=True)
    body = b"".join(decoder.feed(segment.data) for segment in exchange.segments) + decoder.finish()
    values = list(_values(body))
    first = values[0][0] if values else {}
    api = _api_of(exchange, first)
    folded, fingerprint, logprobs = Accumulator(), dict[str, Any](), False
    for value, is_error in _as_chat(exchange, api, values):
        for name in ("model", "system_fingerprint", "service_tier", "object"):
            if value.get(name) is not None:
                fingerprint.setdefault(name, value[name])
        logprobs = logprobs or any(choice.get("logprobs") for choice in reading.choices(value))
        if is_error:
            folded.feed_error(value)
        else:
            folded.feed(value)
    status = head.status if head is not None else None
    return Answer(status, folded.completion(), first, fingerprint, folded.error, logprobs)


def _values(body: bytes) -> Iterator[tuple[JsonObject, bool]]:
    if bodies.sniff(body[: bodies.PREFIX_BYTES]) is bodies.BodyKind.SSE:
        stream = StreamDecoder()
        for event in (*stream.feed(body), *stream.finish()):
            if isinstance(event, Chunk | ErrorPayload):
                yield event.json, isinstance(event, ErrorPayload)
        return
    value = decode_payload(body).value
    if isinstance(value, dict):
        yield value, bool(value.get("error"))


def _api_of(exchange: Exchange, first: JsonObject) -> Api:
    api = api_of_path(exchange.request.url) if exchange.request is not None else UNKNOWN
    return api_of_json(first) if api is UNKNOWN and first else api


def _as_chat(exchange: Exchange, api: Api, values: list[tuple[JsonObject, bool]]) -> Iterator[tuple[JsonObject, bool]]:
    """The values of an answer in the words of chat, where its API has a translator."""
    kind = api.translator()
    if kind is None:
        yield from values
        return
    translator = kind(request_body(exchange))
    for value, is_error in values:
        for made in translator.feed(ErrorPayload(None, value) if is_error else Chunk(None, value)):
            if isinstance(made, Chunk | ErrorPayload):
                yield made.json, isinstance(made, ErrorPayload)
    for made in translator.finish(exchange.ending):
        if isinstance(made, Chunk | ErrorPayload):
            yield made.json, isinstance(made, ErrorPayload)


def _ok(answer: Answer) -> bool:
    return answer.status is None or 200 <= answer.status < 300


def _finding(
    rule: str, severity: Severity, message: str, expected: Any = None, actual: Any = None, path: str | None = None
) -> Finding:
    return Finding(rule, severity, message, path=path, expected=expected, actual=actual)


def _status(streamed: Answer, whole: Answer) -> Iterator[Finding]:
    """A bad request is refused with the same status in both modes."""
    if streamed.status is None or whole.status is None:
        return
    inside = " with the error inside the stream" if streamed.error is not None else ""
    if streamed.status != whole.status:
        words = f"asked to stream: HTTP {streamed.status}{inside}; asked for a whole answer: HTTP {whole.status}"
        yield _finding("parity-error-status", Severity.WARNING, words, whole.status, streamed.status)
    elif _ok(whole) and (streamed.error is None) != (whole.error is None):
        where = "the stream" if streamed.error is not None else "the whole answer"
        words = f"only {where} carries an error"
        yield _finding("parity-error-status", Severity.WARNING, words, whole.error, streamed.error)


def _always(streamed: Answer, whole: Answer) -> Iterator[Finding]:
    """What sampling cannot change."""
    for name in ("model", "service_tier", "system_fingerprint"):
        mine, theirs = streamed.fingerprint.get(name), whole.fingerprint.get(name)
        if mine != theirs and mine is not None and theirs is not None:
            words = f"{name} is {_shown(mine)} streamed and {_shown(theirs)} whole"
            yield _finding("parity-envelope", Severity.INFO, words, theirs, mine, name)
    yield from _usage(streamed, whole)
    mine, theirs = streamed.completion.get("reasoning"), whole.completion.get("reasoning")
    if bool(mine) != bool(theirs):
        where = "streamed" if mine else "whole"
        yield _finding("parity-reasoning", Severity.WARNING, f"only the {where} answer has reasoning", theirs, mine)


def _usage(streamed: Answer, whole: Answer) -> Iterator[Finding]:
    mine, theirs = (reading.as_object(one.completion.get("usage")) for one in (streamed, whole))
    same_text = _text(streamed) == _text(whole)
    names = ("prompt_tokens", "completion_tokens") if same_text else ("prompt_tokens",)
    for name in names if mine and theirs else ():
        if mine.get(name) != theirs.get(name):
            words = f"usage.{name} is {_shown(mine.get(name))} streamed and {_shown(theirs.get(name))} whole"
            yield _finding("parity-usage", Severity.WARNING, words, theirs.get(name), mine.get(name), f"usage.{name}")


def _when_deterministic(streamed: Answer, whole: Answer) -> Iterator[Finding]:
    """What is equal when nothing is left to chance."""
    for mine, theirs, where in _choices(streamed, whole):
        checks: tuple[tuple[str, Callable[[JsonObject], Any], str], ...] = (
            ("parity-tool-calls", calls_of, "tool calls"),
            ("parity-content", lambda one: one.get("content") or "", "text"),
            ("parity-finish-reason", lambda one: one.get("finish_reason"), "finish_reason"),
        )
        for rule, of, what in checks:
            here, there = of(mine), of(theirs)
            if here != there:
                words = f"{what}{where}: {_shown(here)} streamed, {_shown(there)} whole"
                severity = Severity.INFO if _only_white_space(here, there) else Severity.ERROR
                yield _finding(rule, severity, words, _plain(there), _plain(here))


def _only_white_space(one: Any, other: Any) -> bool:
    """Text whose ends one mode strips is the same text: templates begin answers with a line end or a space."""
    return isinstance(one, str) and isinstance(other, str) and one.strip() == other.strip() != ""


def _choices(streamed: Answer, whole: Answer) -> Iterator[tuple[JsonObject, JsonObject, str]]:
    mine = streamed.completion.get("choices") or [streamed.completion]
    theirs = whole.completion.get("choices") or [whole.completion]
    for at in range(max(len(mine), len(theirs))):
        where = f" of choice {at}" if len(mine) > 1 or len(theirs) > 1 else ""
        yield mine[at] if at < len(mine) else {}, theirs[at] if at < len(theirs) else {}, where


def _text(answer: Answer) -> list[str]:
    return [choice.get("content") or "" for choice in answer.completion.get("choices") or [answer.completion]]


def calls_of(choice: JsonObject) -> Counter[tuple[str, str]]:
    """Names and arguments, ids aside; arguments as JSON where they are JSON."""
    found: Counter[tuple[str, str]] = Counter()
    for call in reading.as_list(choice.get("tool_calls")):
        name, arguments = called(reading.as_object(call))
        found[str(name), _canonical(arguments)] += 1
    return found


def _canonical(arguments: Any) -> str:
    value = decode_payload(arguments.encode("utf-8", "replace")) if isinstance(arguments, str) else None
    if value is None or not value.ok:
        return str(arguments)
    return json.dumps(value.value, sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, Counter):
        return [{"name": name, "arguments": arguments} for name, arguments in value.elements()]
    return value


def _shown(value: Any) -> str:
    text = json.dumps(_plain(value), ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
