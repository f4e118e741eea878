"""Characters that the end of a chunk cuts in half."""

from __future__ import annotations

import codecs
import json
import re

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.payload import FaultKind, JsonObject
from streamlab.wire.reading import Fact

#: Bytes that are no UTF-8, as ``surrogateescape`` keeps them.
_BYTES = re.compile("[\udc80-\udcff]+")
_HALF_PAIR = re.compile("[\ud800-\udbff]\\Z")


class CutCharacters(Repair):
    """A character cut in half by the end of a chunk (its bytes, or its pair of escapes) is put together again."""

    rules = ("invalid-utf8", "surrogate-escape-split")
    apis = Scope.CHUNKS
    stage = Stage.PAYLOAD
    on = Fact.FAULTS
    holds_back = "half a character, until the next text of its choice"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._half: dict[int, tuple[str, bool, Draft]] = {}

    def event(self, draft: Draft) -> Drafts:
        event = draft.event
        if not isinstance(event, Chunk):
            return (draft,)
        kinds = {fault.kind for fault in event.faults}
        if not self._half and not kinds & {FaultKind.INVALID_UTF8, FaultKind.LONE_SURROGATE}:
            return (draft,)
        as_bytes = FaultKind.INVALID_UTF8 in kinds
        exact = _exact(draft, event) if as_bytes else event.json
        for choice, read in zip(reading.choices(event.json), reading.choices(exact), strict=False):
            text = reading.content(reading.delta(read))
            odd = as_bytes and _BYTES.search(text) is not None
            self._repair(draft, reading.choice_index(choice), reading.delta(choice), text, odd)
        self.awake = bool(self._half)
        return (draft,)

    def _repair(self, draft: Draft, index: int, delta: JsonObject, text: str, as_bytes: bool) -> None:
        before = self._half.pop(index, None)
        if "content" not in delta or not text:
            if before is not None:
                self._half[index] = before
            return
        lost = ""  # half a character whose other half does not come in the same form
        if before is not None and before[1] == as_bytes:
            text = before[0] + text
        elif before is not None:
            lost = _whole(before[0], before[1])
        half = _half(text, as_bytes)
        if half:
            self._half[index] = (half, as_bytes, draft)
            text = text[: -len(half)]
        repaired = lost + _whole(text, as_bytes)
        if repaired != delta["content"]:
            rule = (
                "invalid-utf8" if as_bytes or (lost and before is not None and before[1]) else "surrogate-escape-split"
            )
            draft.put(rule, delta, "content", repaired, f"choices[{index}].delta.")

    def end(self, ending: Ending) -> Drafts:
        left = []
        for index, (half, as_bytes, draft) in self._half.items():
            text = _whole(half, as_bytes) if as_bytes else half
            left.append(draft.like("invalid-utf8", {"index": index, "delta": {"content": text}}, "choices[0]"))
        self._half.clear()
        return left


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
    """The beginning of a character at the end of a text; "" when there is none."""
    if as_bytes:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            decoder.decode(text.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return ""
        return decoder.getstate()[0].decode("utf-8", "surrogateescape")
    match = _HALF_PAIR.search(text)
    return match.group() if match is not None else ""


def _whole(text: str, as_bytes: bool) -> str:
    if as_bytes:
        return _BYTES.sub(
            lambda found: found.group().encode("utf-8", "surrogateescape").decode("utf-8", "replace"), text
        )
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
