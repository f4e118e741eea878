"""Characters that the end of a chunk cuts in half."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from streamlab.exchange import Ending
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.events import Chunk, Done, ErrorPayload
from streamlab.wire.payload import FaultKind, JsonObject
from streamlab.wire.reading import Fact

#: Bytes that are no UTF-8, as ``surrogateescape`` keeps them.
_BYTES = lazy_pattern("[\udc80-\udcff]+")
_BYTES_LAST = lazy_pattern("[\udc80-\udcff]+\\Z")
#: Bytes that UTF-8 has nowhere, and a character that some of them part.
_NEVER = lazy_pattern(rb"[\xc0\xc1\xf5-\xff]+")
_NEXT = rb"[\xc0\xc1\xf5-\xff]*[\x80-\xbf]"
_PARTED = lazy_pattern(rb"[\xc2-\xdf]%b|[\xe0-\xef](?:%b){2}|[\xf0-\xf4](?:%b){3}".replace(b"%b", _NEXT), re.DOTALL)
#: More bytes than that in a row are no character that was cut.
_MAX_HELD = 4096
_MOST_EARLY = 64
_HALF_PAIR = lazy_pattern("[\ud800-\udbff]\\Z")
_OTHER_HALF = lazy_pattern("[\udc00-\udfff]")
#: Half of a pair that stands alone, whichever it is.
HALF = lazy_pattern("[\ud800-\udfff]")


class _Half(NamedTuple):
    """Half a character; ``alone`` says whether its chunk holds nothing else, and waits."""

    text: str
    as_bytes: bool
    draft: Draft
    alone: bool

    @property
    def rule(self) -> str:
        return "invalid-utf8" if self.as_bytes else "surrogate-escape-split"


class CutCharacters(Repair):
    """A character cut in half by the end of a chunk (its bytes, or its pair of escapes) is put together again."""

    rules = ("invalid-utf8", "surrogate-escape-split")
    apis = Scope.CHUNKS
    stage = Stage.PAYLOAD
    minds = 0
    on = Fact.FAULTS
    holds_back = "half a character, and a [DONE] behind it, until the next text of its choice (64 events at most)"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._half: dict[int, _Half] = {}
        self._early: list[Draft] = []  # from a [DONE] on that comes while half a character waits
        self._waiting: dict[int, _Half] = {}  # the halves that waited then
        self._alone: list[Draft] = []  # chunks of a half whose other half did not come
        self._told: set[int] = set()  # choices of which half a character went out before an error, as U+FFFD

    @property
    def done(self) -> bool:
        return bool(self._early)

    def event(self, draft: Draft) -> Drafts:
        early_end = isinstance(draft.event, Done) and bool(self._half or self._early)
        if not (early_end or self._early):
            return self._event(draft)
        if isinstance(draft.event, ErrorPayload):
            return (*self._before_error(), draft)
        if len(self._early) >= _MOST_EARLY:
            return (*self.end(Ending.COMPLETE), draft)
        if early_end and not self._early:
            self._waiting = dict(self._half)
        self._early += (draft,) if early_end else self._event(draft)
        self.awake = True
        if any(self._half.get(index) is half for index, half in self._waiting.items()):
            return ()
        early, self._early = self._early, []
        return early

    def _event(self, draft: Draft) -> Drafts:
        event = draft.event
        if isinstance(event, ErrorPayload):
            return (*self._before_error(), draft)
        if not isinstance(event, Chunk):
            return (draft,)
        kinds = {fault.kind for fault in event.faults}
        if not self._half and not kinds & {FaultKind.INVALID_UTF8, FaultKind.LONE_SURROGATE}:
            return (draft,)
        as_bytes = FaultKind.INVALID_UTF8 in kinds
        exact = _exact(draft, event) if as_bytes else event.json
        pairs = zip(reading.choices(event.json), reading.choices(exact), strict=False)
        for place, (choice, read) in enumerate(pairs):
            text = reading.content(reading.delta(read))
            odd = as_bytes and _BYTES.search(text) is not None
            self._repair(draft, place, choice, text, odd)
        self.awake = bool(self._half or self._early)
        left, self._alone = self._alone, []
        return left if any(half.alone and half.draft is draft for half in self._half.values()) else (*left, draft)

    def _repair(self, draft: Draft, place: int, choice: JsonObject, text: str, as_bytes: bool) -> None:
        index, delta = reading.choice_index(choice), reading.delta(choice)
        before = self._half.pop(index, None)
        if "content" not in delta or not text:
            if before is not None:
                self._half[index] = before
            return
        if before is not None and before.alone and not (before.as_bytes or as_bytes or _OTHER_HALF.match(text)):
            self._alone.append(before.draft)
            before = None
        elif before is not None and before.alone:
            self._empty(before)
        text = self._rest(index, text, as_bytes)
        lost = ""  # half a character whose other half does not come in the same form
        if before is not None and before.as_bytes == as_bytes:
            text = before.text + text
        elif before is not None:
            lost = _whole(before.text, before.as_bytes)
        half = _half(text, as_bytes)
        if half:
            text = text[: -len(half)]
            alone = not (lost or text) and _says_text_alone(draft.json)
            self._half[index] = _Half(half, as_bytes, draft, alone)
            if alone:
                return
        repaired = lost + _whole(text, as_bytes)
        if HALF.search(repaired) is not None:
            self._stays()
        if repaired != delta["content"]:
            in_bytes = as_bytes or (bool(lost) and before is not None and before.as_bytes)
            draft.put(
                "invalid-utf8" if in_bytes else "surrogate-escape-split",
                delta,
                "content",
                repaired,
                f"choices[{place}].delta.",
            )

    def _before_error(self) -> Drafts:
        """What waits, before an error: behind one, whoever stops there would miss it."""
        self._told.update(index for index, half in self._half.items() if half.as_bytes)
        return self.end(Ending.COMPLETE)

    def _rest(self, index: int, text: str, as_bytes: bool) -> str:
        """A text without the rest of a character that was told as U+FFFD before an error: no client reads it twice."""
        half = _BYTES.match(text) if as_bytes and index in self._told else None
        rest = text if half is None else _whole(half.group(), True).lstrip("\ufffd") + text[half.end() :]
        if rest:
            self._told.discard(index)
        return rest

    def _empty(self, half: _Half) -> None:
        """Take the half out of its chunk, which goes where it says no role."""
        delta = reading.delta(reading.choices(half.draft.json)[0])
        if "role" in delta:
            half.draft.put(half.rule, delta, "content", "", "choices[0].delta.")
            self._alone.append(half.draft)
        else:
            self.state.account.drop(half.draft, half.rule)

    def _stays(self) -> None:
        self.state.account.cannot("surrogate-escape-split", "the other half of the pair did not come")

    def end(self, ending: Ending) -> Drafts:
        before: list[Draft] = []
        behind: list[Draft] = []
        for index, one in self._half.items():
            half, as_bytes, draft, alone = one
            left = before if not self._early or self._waiting.get(index) is one else behind
            text = _whole(half, as_bytes) if as_bytes else half
            if not as_bytes:
                self._stays()
            if not alone:
                draft = draft.like("invalid-utf8", {"index": index, "delta": {"content": text}}, "choices[0]")
            elif as_bytes:
                delta = reading.delta(reading.choices(draft.json)[0])
                draft.put("invalid-utf8", delta, "content", text, "choices[0].delta.")
            left.append(draft)
        early, self._early, self.awake = self._early, [], False
        self._half.clear()
        return (*before, *early, *behind)

    def release(self) -> Drafts:
        return self.end(Ending.COMPLETE) if self._early else ()


def _says_text_alone(chunk: JsonObject) -> bool:
    """Whether a chunk has one choice with text, and nothing else that anybody could miss but a role."""
    listed = reading.choices(chunk)
    if len(listed) != 1 or chunk.get("usage") or listed[0].get("logprobs") or listed[0].get("finish_reason"):
        return False
    return set(reading.delta(listed[0])) - {"role"} == {"content"}


def _exact(draft: Draft, event: Chunk) -> JsonObject:
    """The chunk read anew with bytes that are no UTF-8 kept apart instead of replaced."""
    for change in draft.changes:
        if isinstance(change.was, bytes) and change.rule == "invalid-utf8":
            try:
                value = json.loads(change.was.decode("utf-8", "surrogateescape"))
            except (ValueError, RecursionError):
                break
            return value if isinstance(value, dict) else event.json
    return event.json


def _half(text: str, as_bytes: bool) -> str:
    """The bytes or the half of a pair at the end of a text that what comes next may make whole; "" where none is."""
    if as_bytes:  # with all bytes before it: what becomes U+FFFD on both sides would read as one character cut in two
        last = _BYTES_LAST.search(text)
        data = last.group() if last is not None else ""
        return data if len(data) <= _MAX_HELD and _whole(data, as_bytes).endswith("\ufffd") else ""
    match = _HALF_PAIR.search(text)
    return match.group() if match is not None else ""


def _whole(text: str, as_bytes: bool) -> str:
    if as_bytes:
        return _BYTES.sub(lambda found: _read(found.group().encode("utf-8", "surrogateescape")), text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _read(data: bytes) -> str:
    """Bytes as text: a character that bytes of no UTF-8 part is whole without them, what else is none is U+FFFD."""
    joined = _PARTED.sub(lambda found: _NEVER.sub(b"", found.group()), data)
    return joined.decode("utf-8", "replace")


def is_parted(data: bytes, at: int) -> bool:
    """Whether a character begins there, and bytes that UTF-8 has nowhere stand between its own."""
    found = _PARTED.match(data, at)
    return found is not None and _NEVER.search(found.group()) is not None
