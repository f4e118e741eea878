"""Choices in OpenAI's shape: an integer index, a delta, a finish_reason that is null or one of the known values."""

from __future__ import annotations

from typing import Any

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.choice_parts import TEXT, begins_part, kinds_of
from streamlab.wire.events import Comment, Done, ErrorPayload
from streamlab.wire.finish_reasons import KNOWN_REASONS, is_blank, meaning_of
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.told_deltas import meant_delta
from streamlab.wire.visible import quoted

_MOST_HELD = 64


def _only_index(listed: list[JsonObject]) -> int:
    """The index of the one choice in a chunk; -1 when there is none, or several."""
    index = listed[0].get("index") if len(listed) == 1 else None
    return index if type(index) is int else -1


def _text_of(listed: list[JsonObject]) -> str:
    """The text in the one choice of a chunk."""
    return str(reading.content(meant_delta(listed[0])) or "") if len(listed) == 1 else ""


def _ends(draft: Draft, listed: list[JsonObject]) -> bool:
    """Whether no choice is to be expected any more: the usage of all, an error, or the end."""
    counts = draft.is_chunk and not listed and bool(draft.json.get("usage"))
    return counts or isinstance(draft.event, Done | ErrorPayload)


def _decides_nothing(draft: Draft, listed: list[JsonObject]) -> bool:
    """Whether it is a comment, or a chunk that has no choices and ends nothing."""
    return isinstance(draft.event, Comment) or (draft.is_chunk and not listed and not _ends(draft, listed))


def _say_nothing(held: list[Draft]) -> bool:
    """Whether none of these chunks, of one choice each or of none, says anything."""
    listed = [choice for one in held if one.is_chunk for choice in reading.choices(one.json)]
    return not any(one.get("finish_reason") or kinds_of(meant_delta(one)) for one in listed)


class ChoiceShape(Repair):
    """The members every choice has."""

    rules = (
        "choice-index-missing",
        "choice-index-is-token-counter",
        "choice-delta-missing",
        "choice-message-instead-of-delta",
        "full-message-repeated",
        "azure-async-filter-tail",
        "finish-reason-key-absent",
        "finish-reason-empty-string",
        "finish-reason-unknown-value",
    )
    stage = Stage.CHOICE
    holds_back = (
        "a chunk that may number its tokens by the index of its choice, until the next chunk that has choices; where "
        "one answer was asked for, until a chunk of it says something (64 at most)"
    )
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH | Fact.MESSAGE | Fact.TEXT | Fact.MANY_CHOICES
    minds = Fact.CHUNK

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._all_zero = False
        self._several = state.n is not None and state.n > 1
        self._by_message = False
        self._seen = False
        self._last = -1
        self._role = False  # whether choice 0 has said its role
        self._kinds: frozenset[str] = frozenset()  # what it said in drafts, of which the last may not have gone out
        self._held: list[Draft] = []  # under one index above 0, of which all but the last say nothing
        self._chat = state.api.name == api_names.CHAT

    def shape(self, chunk: JsonObject) -> bool:
        for choice in reading.choices(chunk):
            delta = choice.get("delta")
            if type(choice.get("index")) is not int:
                return True
            if not self._chat:
                continue
            if type(delta) is not dict or "message" in choice:
                return True
            if "finish_reason" not in choice and "audio" not in delta:
                return True
        return False

    def event(self, draft: Draft) -> Drafts:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        for position, choice in enumerate(listed):
            self._number(draft, choice, position)
        held, self._held, self.awake = self._held, [], False
        waits = held and len(held) < _MOST_HELD and _decides_nothing(draft, listed)
        if waits or (held and self._still_says_nothing(held, listed)):
            self._held, self.awake = [*held, draft], True
            return ()
        if held:
            first, second = _only_index(reading.choices(held[0].json)), _only_index(listed)
            twins = first != second and self._says_the_same(held, listed)
            # One index for everything, or a new one for every token: there is only one choice.
            self._all_zero = second in (first, first + 1) if self._last < 0 else second == first + 1
            self._all_zero = (self._all_zero or (self.state.n == 1 and second > first)) and not twins
            self._all_zero = self._all_zero or (self._last < 0 and _ends(draft, listed))
            self._all_zero = self._all_zero or (second == first and _say_nothing(held) and self._begins_part(listed))
            for one in held:
                self._repair(one)
        elif self._begins_part(listed):
            self._all_zero = True
        elif self._may_count(listed):
            self._held, self.awake = [draft], True
            return ()
        self._repair(draft)
        return (*held, draft)

    def end(self, ending: Ending) -> Drafts:
        held, self._held = self._held, []
        self._all_zero = self._all_zero or (bool(held) and self._last < 0)
        for one in held:
            self._repair(one)
        return held

    def _still_says_nothing(self, held: list[Draft], listed: list[JsonObject]) -> bool:
        """Whether what may be the next part of the one answer, after another, has said nothing and is not over."""
        index = _only_index(listed)
        if self.state.n != 1 or self._last != 0 or index != _only_index(reading.choices(held[0].json)):
            return False
        over = listed[0].get("finish_reason") or kinds_of(meant_delta(listed[0])) or len(held) >= _MOST_HELD
        return not over and _say_nothing(held)

    def _begins_part(self, listed: list[JsonObject]) -> bool:
        """Whether an index numbers the parts of one answer: reasoning 0, text 1, tool calls 2."""
        if self._all_zero or not self._chat or len(listed) != 1:
            return False
        if any(map(meaning_of, self.state.finished.values())):  # what nobody knows ends nothing
            return False
        delta, index = meant_delta(listed[0]), _only_index(listed)
        if listed[0].get("finish_reason"):
            delta = reading.delta(listed[0])  # text in its place is what clients do not hold
        if index == 0:
            self._role = self._role or bool(delta.get("role"))
            self._kinds |= kinds_of(delta)
        next_one = index == 1 or (self.state.n == 1 and index > 1)  # of one answer, a part may have been lost
        if not next_one or self._last or max(self.state.opened, default=0) > 0:
            return False
        return begins_part(
            self._said(),
            kinds_of(delta),
            asked=self.state.n,
            told_role=self._role,
            has_role=bool(delta.get("role")),
            finishes=bool(listed[0].get("finish_reason")),
        )

    def _said(self) -> frozenset[str]:
        """The kinds of things the only choice said of late, as far as they are remembered."""
        said = [kinds_of(delta) for delta in reading.deltas(self.state.last or {})]
        return frozenset({TEXT} if self.state.texts.length(0) else ()).union(self._kinds, *said)

    def _says_the_same(self, held: list[Draft], listed: list[JsonObject]) -> bool:
        """Whether one of the first indexes repeats what the one before it said from its start: that is another choice,
        where a count would go on."""
        first = _text_of(reading.choices(held[0].json))
        return bool(first) and first in (_text_of(listed), self._last == 0 and self.state.texts.text(0))

    def _may_count(self, listed: list[JsonObject]) -> bool:
        """Whether an index above 0 may number tokens, or stand for the only choice there is: the next will tell."""
        index = _only_index(listed)
        if self._all_zero or self._several or not self._chat or index <= 0 or index in self.state.opened:
            return False
        counts = index == self._last + 1 or (self.state.n == 1 and index > self._last)  # one may have been lost
        return self._last < 0 or (counts and not reading.delta(listed[0]).get("role"))

    def _repair(self, draft: Draft) -> None:
        if draft.is_chunk:
            listed = reading.choices(draft.json)
            for position, choice in enumerate(listed):
                path = f"choices[{position}]."
                self._index(draft, choice, path, len(listed))
                if self._chat:
                    self._delta(draft, choice, path)
                self._reason(draft, choice, path)
            self._seen = self._seen or bool(listed)

    @staticmethod
    def _number(draft: Draft, choice: JsonObject, position: int) -> None:
        """Make the index of a choice a number."""
        index = choice.get("index")
        if type(index) is not int:
            as_number = int(index) if isinstance(index, str) and index.isdigit() and len(index) < 9 else position
            draft.put("choice-index-missing", choice, "index", as_number, f"choices[{position}].")

    def _index(self, draft: Draft, choice: JsonObject, path: str, count: int) -> None:
        index = choice["index"]
        if count == 1:
            self._last = index
        if self._all_zero and index != 0 and count == 1:
            draft.put("choice-index-is-token-counter", choice, "index", 0, path)
        self._several = self._several or choice["index"] != 0  # it went out as it came: it is no count

    def _delta(self, draft: Draft, choice: JsonObject, path: str) -> None:
        message = choice.get("message")
        if type(choice.get("delta")) is dict:
            if "message" in choice:
                draft.drop("full-message-repeated", choice, "message", path)
            return
        if "message" in choice and not isinstance(message, dict):
            draft.drop("choice-delta-missing", choice, "message", path)
        if isinstance(message, dict):
            said = self.state.texts.text(reading.choice_index(choice))
            if said and (not self._by_message or message.get("content") == said):
                draft.drop("full-message-repeated", choice, "message", path)
                draft.put("full-message-repeated", choice, "delta", {}, path)
                return
            self._by_message = True
            draft.drop("choice-message-instead-of-delta", choice, "message", path)
            draft.put("choice-message-instead-of-delta", choice, "delta", self._news_of(dict(message)), path)
        elif isinstance(choice.get("text"), str):
            text = choice["text"]
            draft.drop("choice-message-instead-of-delta", choice, "text", path)
            draft.put("choice-message-instead-of-delta", choice, "delta", {"content": text} if text else {}, path)
        else:
            if meant := meant_delta(choice):
                draft.put("choice-delta-missing", choice, "delta", meant, path)
                return
            azure = reading.is_filter_result(choice)
            draft.put("azure-async-filter-tail" if azure else "choice-delta-missing", choice, "delta", {}, path)

    def _news_of(self, message: JsonObject) -> JsonObject:
        """A message as a delta: tool calls get their index."""
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            message["tool_calls"] = [{"index": at, **call} for at, call in enumerate(calls) if isinstance(call, dict)]
        return {key: value for key, value in message.items() if value is not None or key == "content"}

    def _reason(self, draft: Draft, choice: JsonObject, path: str) -> None:
        if "finish_reason" not in choice:
            if self._chat and "audio" not in reading.delta(choice):
                draft.put("finish-reason-key-absent", choice, "finish_reason", None, path)
            return
        value: Any = choice["finish_reason"]
        if value is None or (isinstance(value, str) and value in KNOWN_REASONS):
            return
        if is_blank(value):
            draft.put("finish-reason-empty-string", choice, "finish_reason", None, path)
            return
        if not isinstance(value, str):
            return
        known = meaning_of(value)
        if known is None:
            self.state.account.cannot("finish-reason-unknown-value", f"nobody can say what {quoted(value[:40])} means")
        else:
            draft.put("finish-reason-unknown-value", choice, "finish_reason", known, path)
