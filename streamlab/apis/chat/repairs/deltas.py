"""Deltas in OpenAI's shape: the role once, content a string, no placeholders."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.restarts import is_text_again
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    ABSENT,
    LONGEST,
    Added,
    Done,
    Draft,
    Drafts,
    Origin,
    Repair,
    RepairState,
    Stage,
)
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact

_NULL = type(None)
_PARTS = "content-array-parts"
_MOST_ROLES = _MOST_BEHIND = 64


class DeltaShape(Repair):
    """Role, content and placeholders of a delta."""

    rules = (
        "role-missing",
        "role-every-chunk",
        "role-empty-or-null",
        "role-wrong",
        _PARTS,
        "content-wrong-type",
        "content-null-placeholder",
        "empty-tool-calls-array",
    )
    stage = Stage.DELTA
    holds_back = "an opening chunk whose content is null, until an event that says something (64 at most)"
    on = Fact.FIRST | Fact.ROLE | Fact.TOOL_CALLS | Fact.FUNCTION_CALL
    minds = Fact.CHUNK

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._opening: list[Draft] = []  # and what goes behind text that still comes: a finish, usage, a [DONE]
        self._again: list[tuple[int, int]] = []  # choices that said their role again, and how much text they had

    @property
    def holding(self) -> bool:
        return bool(self._opening)

    @property
    def done(self) -> bool:
        return any(isinstance(one.event, Done) for one in self._opening)

    def release(self) -> Drafts:
        return self.end(Ending.COMPLETE) if self.done else ()

    def shape(self, chunk: JsonObject) -> bool:
        for delta in reading.deltas(chunk):
            if "content" in delta and type(delta["content"]) is not str:
                return True
            if type(delta.get("tool_calls", 0)) is _NULL or type(delta.get("function_call", 0)) is _NULL:
                return True
        return False

    def passes(self, added: Added) -> bool:
        """A choice that has begun, in a delta that has nothing which does not belong there."""
        delta = reading.delta(reading.choices(added.chunk)[0])
        odd = "role" in delta or "function_call" in delta or "audio" in delta or not delta.get("tool_calls", True)
        return not odd and added.varying.choice in self.state.opened and _is_text(delta.get("content"))

    def unseen(self, added: Added) -> int:
        return LONGEST  # what it looks at is alike in all of them

    def event(self, draft: Draft) -> Drafts:
        opening, self._opening, self.awake = self._opening, [], False
        self._repair(draft)
        if opening and draft.is_chunk:
            [opened] = reading.choices(opening[0].json)
            said = (one for one in reading.choices(draft.json) if reading.content(reading.delta(one)))
            if any(reading.choice_index(one) == reading.choice_index(opened) for one in said):
                path = "choices[0].delta."
                opening[0].put("content-null-placeholder", reading.delta(opened), "content", "", path)
        if (opening and len(opening) < _MOST_BEHIND and _goes_last(draft)) or (not opening and _opens_with_null(draft)):
            self._opening, self.awake = [*opening, draft], True
            return ()
        return (*opening, draft)

    def end(self, ending: Ending) -> Drafts:
        opening, self._opening = self._opening, []
        for index, length in self._again:
            if length and is_text_again(self.state.texts.text(index) or "", length):
                self.state.account.cannot("answer-starts-over", "the text of the answer begins anew in the middle")
        return opening

    def _repair(self, draft: Draft) -> None:
        if draft.is_chunk:
            for position, choice in enumerate(reading.choices(draft.json)):
                path = f"choices[{position}].delta."
                delta = reading.delta(choice)
                if choice.get("delta") is delta:
                    self._content(draft, delta, path)
                    self._placeholders(draft, choice, delta, path)
                    self._role(draft, choice, delta, path)

    def _role(self, draft: Draft, choice: JsonObject, delta: JsonObject, path: str) -> None:
        index = reading.choice_index(choice)
        first = index not in self.state.opened
        self.state.opened.add(index)
        role = delta.get("role")
        self.state.audio = self.state.audio or "audio" in delta
        if first:
            if role != "assistant":
                rule = "role-missing" if "role" not in delta else "role-wrong" if role else "role-empty-or-null"
                rest = {key: value for key, value in delta.items() if key != "role"}
                choice["delta"] = {"role": "assistant", **rest}
                origin = Origin.DERIVED if role else Origin.INVENTED
                draft.note(rule, path + "role", delta.get("role", ABSENT), "assistant", origin)
        elif "role" in delta and not self.state.audio and self.state.at != self.state.restarted_at:
            if len(self._again) < _MOST_ROLES:
                self._again.append((index, self.state.texts.length(index)))
            draft.drop("role-every-chunk" if role else "role-empty-or-null", delta, "role", path)

    def _content(self, draft: Draft, delta: JsonObject, path: str) -> None:
        value = delta.get("content", "")
        if type(value) is str or value is None:
            return
        if type(value) is list:
            text, thought = _parts(value)
            draft.put(_PARTS, delta, "content", text, path)
            if thought:
                draft.put(_PARTS, delta, "reasoning_content", thought, path)
        elif self.state.unsafe or type(value) in (int, float):
            draft.put("content-wrong-type", delta, "content", encode_json(value).decode(), path)

    def _placeholders(self, draft: Draft, choice: JsonObject, delta: JsonObject, path: str) -> None:
        for key in ("tool_calls", "function_call"):
            if key in delta and not delta[key]:
                draft.drop("empty-tool-calls-array", delta, key, path)
        opened = reading.choice_index(choice) in self.state.opened
        if opened and "content" in delta and delta["content"] is None and not _else_in(delta):
            draft.drop("content-null-placeholder", delta, "content", path)


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _opens_with_null(draft: Draft) -> bool:
    """Whether this is the opening chunk of one choice, with null for content: right for tools, not for text."""
    listed = reading.choices(draft.json) if draft.is_chunk else []
    delta = reading.delta(listed[0]) if len(listed) == 1 else {}
    return bool(delta.get("role")) and delta.get("content", "") is None and not _else_in(delta)


def _goes_last(draft: Draft) -> bool:
    """Whether an event goes to the end where text comes behind it, or goes: it only finishes, or counts tokens, or is
    [DONE], or says nothing any more, since what it said was repeated."""
    if not draft.is_chunk:
        return isinstance(draft.event, Done)
    listed = reading.choices(draft.json)
    said = any(value for delta in map(reading.delta, listed) for value in delta.values())
    return not said and (bool(draft.changes) or all(choice.get("finish_reason") for choice in listed))


def _else_in(delta: JsonObject) -> bool:
    """Whether a delta whose content is null carries something else, as OpenAI's tool calls and audio do."""
    return any(delta.get(key) for key in ("tool_calls", "function_call", "refusal", "audio", *reading.REASONING_KEYS))


#: Where a part of a message holds its text; Databricks' reasoning has a summary, as that of Responses.
_PART_TEXTS = ("text", "thinking", "content", "summary")


def _parts(parts: list[Any]) -> tuple[str, str]:
    """The text and the reasoning of a list of typed parts."""
    text: list[str] = []
    thought: list[str] = []
    for part in parts:
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, dict):
            kind = part.get("type")
            value = next((part[key] for key in _PART_TEXTS if key in part), None)
            inner = _parts(value)[0] if isinstance(value, list) else value if isinstance(value, str) else ""
            (thought if kind in ("thinking", "reasoning") else text).append(inner)
    return "".join(text), "".join(thought)


class MixedReasoning(Repair):
    """Reasoning and answer in one delta are sent one after the other."""

    rules = ("reasoning-after-content",)
    stage = Stage.DELTA
    minds = 0
    on = Fact.REASONING

    def passes(self, added: Added) -> bool:
        return True  # there is one text

    def unseen(self, added: Added) -> int:
        return LONGEST

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk or len(reading.choices(draft.json)) != 1:
            return (draft,)
        choice = reading.choices(draft.json)[0]
        delta = reading.delta(choice)
        keys = [key for key in reading.REASONING_KEYS if delta.get(key)]
        if not keys or not reading.content(delta):
            return (draft,)
        parts = any(change.rule == _PARTS for change in draft.changes)  # that they came in one delta is what it says
        rule = _PARTS if parts else self.rules[0]
        first = draft.like(rule, {**choice, "delta": {}, "finish_reason": None}, "choices[0].delta")
        moved = first.json["choices"][0]["delta"]
        for key in ("role", *keys):
            if key in delta:
                moved[key] = delta.pop(key)
                path = f"choices[0].delta.{key}"
                first.changes += [one for one in draft.changes if one.path == path]
                draft.changes = [one for one in draft.changes if one.path != path]
        draft.note(rule, "", "reasoning and text", "text")
        return (first, draft)
