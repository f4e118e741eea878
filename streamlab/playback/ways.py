"""How a clean chat stream comes to show a rule's deviation: one way a rule, for `personality`.

Each way changes the stream and says whether there was an occasion: a stream without a tool call cannot show what a
system does to tool calls. No way takes anything away that a repair cannot give back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from streamlab.wire.payload import JsonObject

#: Words for a reason that a system writes in its own way.
_SPELLED = {"stop": "eos_token", "length": "max_tokens", "tool_calls": "tool_use"}


@dataclass(slots=True)
class Told:
    """One event: a chunk of JSON, or bytes of its own. ``offset_us`` is when it came."""

    offset_us: int
    json: JsonObject | None = None
    raw: bytes = b""


@dataclass(slots=True)
class PlayedStream:
    """A clean stream, taken apart; ``own`` are members that the system at hand adds to its chunks."""

    events: list[Told]
    asked_usage: bool
    own: tuple[str, ...] = ()
    done: bool = True
    line_end: bytes = b"\n"
    colon: bytes = b": "

    @property
    def chunks(self) -> list[JsonObject]:
        """The chunks in order."""
        return [one.json for one in self.events if one.json is not None]

    def choices(self) -> Iterator[JsonObject]:
        """Every choice of every chunk."""
        for chunk in self.chunks:
            yield from (one for one in chunk.get("choices") or () if isinstance(one, dict))

    def deltas(self) -> Iterator[JsonObject]:
        """Every delta."""
        yield from (one["delta"] for one in self.choices() if isinstance(one.get("delta"), dict))

    def fragments(self, *, later: bool | None = None) -> Iterator[JsonObject]:
        """Fragments of tool calls: all, those that open a call, or the later ones."""
        for delta in self.deltas():
            for one in delta.get("tool_calls") or ():
                if later is None or later == ("name" not in one["function"]):
                    yield one

    def finishing(self) -> Iterator[tuple[int, Told, JsonObject]]:
        """The events with a finish reason: place, event, choice."""
        for number, event in enumerate(self.events):
            for choice in (event.json or {}).get("choices") or ():
                if choice.get("finish_reason"):
                    yield number, event, choice


Way = Callable[[PlayedStream], bool]


def _each_chunk(change: Callable[[JsonObject], object]) -> Way:
    def way(told: PlayedStream) -> bool:
        for chunk in told.chunks:
            change(chunk)
        return bool(told.chunks)

    return way


def _setting(**members: Any) -> Way:
    return _each_chunk(lambda chunk: chunk.update(members))


def _of_deltas(change: Callable[[JsonObject], bool]) -> Way:
    def way(told: PlayedStream) -> bool:
        return sum(change(delta) for delta in told.deltas()) > 0

    return way


def _of_fragments(change: Callable[[JsonObject], object], *, later: bool | None = None) -> Way:
    def way(told: PlayedStream) -> bool:
        found = list(told.fragments(later=later))
        for one in found:
            change(one)
        return bool(found)

    return way


def _ids_change(told: PlayedStream) -> bool:
    for number, chunk in enumerate(told.chunks):
        chunk["id"] = f"chatcmpl-{crc32(str(number).encode()):08x}{crc32(str(chunk).encode()):08x}"
    return len(told.chunks) > 1


def _is_bare(chunk: JsonObject) -> bool:
    """Whether it is the opening without a choice, in which some systems leave everything empty."""
    return chunk.get("choices") == [] and "usage" not in chunk


def _bare_opening(told: PlayedStream) -> bool:
    bare = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    told.events.insert(0, Told(told.events[0].offset_us, bare))
    return True


def _object_of_whole(told: PlayedStream) -> bool:
    for chunk in told.chunks:
        if not _is_bare(chunk):
            chunk["object"] = "chat.completion"
    return True


def _created_as_text(told: PlayedStream) -> bool:
    for chunk in told.chunks:
        if not _is_bare(chunk):
            chunk["created"] = str(chunk.get("created", 0))
    return bool(told.chunks)


def _role_on_every(told: PlayedStream) -> bool:
    for delta in told.deltas():
        delta["role"] = "assistant"
    return len(told.chunks) > 1


def _without_role(told: PlayedStream) -> bool:
    for delta in told.deltas():
        delta.pop("role", None)
        if delta.get("content", "") is None:
            del delta["content"]  # null stands beside a role only
    return True


def _empty_role(told: PlayedStream) -> bool:
    later = [delta for delta in told.deltas() if not delta.get("role")]
    for delta in later:
        delta["role"] = ""
    return bool(later)


def _null_content(delta: JsonObject) -> bool:
    if "content" in delta or delta.get("tool_calls"):
        return False
    delta["content"] = None
    return True


def _content_parts(delta: JsonObject) -> bool:
    if not isinstance(delta.get("content"), str) or not delta["content"]:
        return False
    delta["content"] = [{"type": "text", "text": delta["content"]}]
    return True


def _no_calls(delta: JsonObject) -> bool:
    if delta.get("tool_calls"):
        return False
    delta["tool_calls"] = []
    return True


def _calls_as_object(delta: JsonObject) -> bool:
    calls = delta.get("tool_calls")
    if not isinstance(calls, list) or len(calls) != 1:
        return False
    delta["tool_calls"] = calls[0]
    return True


def _without_finish_key(told: PlayedStream) -> bool:
    idle = [choice for choice in told.choices() if choice.get("finish_reason", "") is None]
    for choice in idle:
        del choice["finish_reason"]
    return bool(idle)


def _finish_on_content(told: PlayedStream) -> bool:
    """The finish rides on the last chunk that has text, and has no chunk of its own."""
    for number, event, choice in list(told.finishing()):
        before = (told.events[number - 1].json if number else None) or {}
        last = (before.get("choices") or [{}])[0]
        inner = choice.get("delta") or {}
        if inner.get("content") or inner.get("tool_calls") or not (last.get("delta") or {}).get("content"):
            continue
        last["finish_reason"] = choice["finish_reason"]
        before.update({"usage": event.json["usage"]} if event.json and event.json.get("usage") else {})
        told.events.remove(event)
        return True
    return False


def _finish_everywhere(told: PlayedStream) -> bool:
    found = [choice for _, _, choice in told.finishing()]
    if not found or found[0]["finish_reason"] != "stop":
        return False
    for choice in told.choices():
        choice["finish_reason"] = "stop"
    return True


def _finish_twice(told: PlayedStream) -> bool:
    for number, event, choice in list(told.finishing()):
        again = {**(event.json or {}), "choices": [{**choice, "delta": {}}]}
        again.pop("usage", None)
        told.events.insert(number + 1, Told(event.offset_us, again))
        return True
    return False


def _finish_in_own_words(told: PlayedStream) -> bool:
    found = [choice for _, _, choice in told.finishing() if choice["finish_reason"] in _SPELLED]
    for choice in found:
        choice["finish_reason"] = _SPELLED[choice["finish_reason"]]
    return bool(found)


def _usage(told: PlayedStream) -> JsonObject:
    """The usage of the stream, taken out of it; made up where it had none and is told anyway."""
    for event in list(told.events):
        if event.json is not None and isinstance(event.json.get("usage"), dict):
            usage: JsonObject = event.json.pop("usage")
            if event.json.get("choices") == []:
                told.events.remove(event)
            return usage
    count = len(told.chunks)
    return {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}


def _has_usage(told: PlayedStream) -> bool:
    return any(isinstance(chunk.get("usage"), dict) for chunk in told.chunks)


def _usage_unasked(told: PlayedStream) -> bool:
    if told.asked_usage or _has_usage(told) or not told.chunks:
        return False
    last = told.events[-1]
    told.events.append(Told(last.offset_us, {**told.chunks[-1], "choices": [], "usage": _usage(told)}))
    return True


def _usage_on_finish(told: PlayedStream) -> bool:
    finishing = list(told.finishing())
    if not _has_usage(told) or not finishing:
        return False
    _, event, _ = finishing[-1]
    if event.json is not None and not isinstance(event.json.get("usage"), dict):
        event.json["usage"] = _usage(told)
    return True


def _usage_everywhere(told: PlayedStream) -> bool:
    if not _has_usage(told) or len(told.chunks) < 3:
        return False
    whole = next(chunk["usage"] for chunk in told.chunks if isinstance(chunk.get("usage"), dict))
    prompt = whole.get("prompt_tokens") or 1
    for number, chunk in enumerate(told.chunks[:-1]):
        count = min(number, whole.get("completion_tokens") or 0)
        chunk["usage"] = {"prompt_tokens": prompt, "completion_tokens": count, "total_tokens": prompt + count}
    return True


def _usage_in_choice(told: PlayedStream) -> bool:
    finishing = list(told.finishing())
    if not _has_usage(told) or not finishing:
        return False
    finishing[-1][2]["usage"] = _usage(told)
    return True


def _usage_total_wrong(told: PlayedStream) -> bool:
    found = [chunk["usage"] for chunk in told.chunks if isinstance(chunk.get("usage"), dict)]
    for usage in found:
        usage["total_tokens"] = (usage.get("total_tokens") or 0) + 3
    return bool(found)


def _comment(told: PlayedStream) -> bool:
    if len(told.events) < 2:
        return False
    told.events.insert(1, Told(told.events[0].offset_us, raw=b": keep-alive"))
    return True


def _empty_event(told: PlayedStream) -> bool:
    if len(told.events) < 2:
        return False
    told.events.insert(1, Told(told.events[0].offset_us, raw=b"data:"))
    return True


def _whole_message(told: PlayedStream) -> bool:
    """The message whole beside every delta, as far as it has come."""
    if not any(delta.get("content") for delta in told.deltas()):
        return False
    text = ""
    for choice in told.choices():
        text += (choice.get("delta") or {}).get("content") or ""
        choice["message"] = {"role": "assistant", "content": text}
    return True


def _own_members(told: PlayedStream) -> bool:
    for chunk in told.chunks:
        for name in told.own or ("x_vendor",):
            chunk.setdefault(name, {"trace": "1"})
    return bool(told.chunks)


def _no_done(told: PlayedStream) -> bool:
    told.done = False
    return True


def _crlf(told: PlayedStream) -> bool:
    told.line_end = b"\r\n"
    return True


def _no_space(told: PlayedStream) -> bool:
    told.colon = b":"
    return True


def _id_each_fragment(told: PlayedStream) -> bool:
    """Every further fragment has an id of its own."""
    found = list(told.fragments(later=True))
    for number, one in enumerate(found):
        one["id"] = f"call_{crc32(str(number).encode()):08x}"
    return bool(found)


#: How each rule's deviation is shown, in the order in which they are put in: members first, what moves events after.
WAYS: dict[str, Way] = {
    "choices-empty-non-usage": _bare_opening,
    "created-wrong-type": _created_as_text,
    "object-wrong": _object_of_whole,
    "service-tier-unknown": _setting(service_tier="on_demand"),
    "obfuscation-present": _setting(p="abcdefgh"),
    "unknown-extension-fields": _own_members,
    "chunk-id-changes": _ids_change,
    "chunk-id-missing-or-empty": _setting(id=""),
    "chunk-id-not-unique": _setting(id="chatcmpl-123"),
    "role-missing": _without_role,
    "role-every-chunk": _role_on_every,
    "role-empty-or-null": _empty_role,
    "finish-reason-on-content-chunk": _finish_on_content,
    "content-null-placeholder": _of_deltas(_null_content),
    "empty-tool-calls-array": _of_deltas(_no_calls),
    "content-array-parts": _of_deltas(_content_parts),
    "tool-call-type-missing": _of_fragments(lambda one: one.pop("type", None), later=False),
    "tool-call-index-missing": _of_fragments(lambda one: one.pop("index", None)),
    "tool-call-id-missing": _of_fragments(lambda one: one.pop("id", None), later=False),
    "tool-call-id-unstable": _id_each_fragment,
    "tool-call-id-empty-continuation": _of_fragments(lambda one: one.update(id=""), later=True),
    "tool-call-name-empty-continuation": _of_fragments(lambda one: one["function"].update(name=""), later=True),
    "tool-call-arguments-null": _of_fragments(
        lambda one: one["function"].update(arguments=one["function"].get("arguments") or None), later=False
    ),
    "tool-call-not-in-array": _of_deltas(_calls_as_object),
    "full-message-repeated": _whole_message,
    "finish-reason-unknown-value": _finish_in_own_words,
    "usage-unrequested": _usage_unasked,
    "usage-inconsistent": _usage_total_wrong,
    "usage-in-choice": _usage_in_choice,
    "usage-on-content-or-finish-chunk": _usage_on_finish,
    "usage-on-every-chunk": _usage_everywhere,
    "finish-reason-key-absent": _without_finish_key,
    "finish-reason-every-chunk": _finish_everywhere,
    "finish-reason-repeated": _finish_twice,
    "sse-comment-keepalive": _comment,
    "sse-empty-data-event": _empty_event,
    "sse-line-endings": _crlf,
    "sse-no-space-after-colon": _no_space,
    "done-missing": _no_done,
}

#: Deviations of which a stream shows one at a time: the first that a system has stands for the others.
ONE_OF = (
    ("chunk-id-changes", "chunk-id-missing-or-empty", "chunk-id-not-unique"),
    ("role-every-chunk", "role-missing", "role-empty-or-null"),
    ("tool-call-id-unstable", "tool-call-id-missing", "tool-call-id-empty-continuation"),
    ("usage-on-every-chunk", "usage-on-content-or-finish-chunk", "usage-in-choice"),
    ("finish-reason-every-chunk", "finish-reason-repeated", "finish-reason-on-content-chunk"),
    ("tool-call-not-in-array", "tool-call-index-missing"),
    ("content-array-parts", "full-message-repeated"),
)
