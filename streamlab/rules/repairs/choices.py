"""Choices in OpenAI's shape: an integer index, a delta, a finish_reason that is null or one of the known values."""

from __future__ import annotations

from typing import Any

from streamlab.exchange import Ending
from streamlab.rules.repairs.base import Draft, Drafts, Repair, Stage, Story
from streamlab.wire import reading
from streamlab.wire.apis import Api
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

KNOWN_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_REASONS = {
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "stop_token": "stop",
    "eos": "stop",
    "complete": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "max_output_tokens": "length",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "tool-calls": "tool_calls",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "content-filter": "content_filter",
    "refusal": "content_filter",
}


def known_reason(value: str) -> str | None:
    """OpenAI's name for a reason to finish; None when it has none."""
    lower = value.strip().lower()
    return lower if lower in KNOWN_REASONS else _REASONS.get(lower)


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
    holds_back = "a first chunk whose choice has an index above 0 while the request is unknown, until the next event"
    apis = frozenset({Api.CHAT, Api.COMPLETIONS})
    on = Fact.FINISH | Fact.MESSAGE | Fact.TEXT | Fact.MANY_CHOICES

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._all_zero = story.n == 1
        self._seen = False
        self._last = -1
        self._held: Draft | None = None
        self._chat = story.api is Api.CHAT

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
        held, self._held, self.awake = self._held, None, False
        if held is None and not self._seen and self._is_odd_start(listed):
            self._held, self.awake = draft, True
            return ()
        if held is None:
            self._mend(draft)
            return (draft,)
        # One index for everything, or a new one for every token: there is only one choice.
        self._all_zero = all(choice.get("index") != 0 for choice in listed)
        self._mend(held)
        self._mend(draft)
        return (held, draft)

    def end(self, ending: Ending) -> Drafts:
        held, self._held = self._held, None
        if held is None:
            return ()
        self._all_zero = True
        self._mend(held)
        return (held,)

    def _is_odd_start(self, listed: list[JsonObject]) -> bool:
        """Whether the first choice has an index above 0, and nobody knows how many were asked for."""
        index = listed[0].get("index") if len(listed) == 1 and self.story.n is None else None
        return type(index) is int and index > 0

    def _mend(self, draft: Draft) -> None:
        if draft.is_chunk:
            listed = reading.choices(draft.json)
            for position, choice in enumerate(listed):
                path = f"choices[{position}]."
                self._index(draft, choice, path, position, len(listed))
                if self._chat:
                    self._delta(draft, choice, path)
                self._reason(draft, choice, path)
            self._seen = self._seen or bool(listed)

    def _index(self, draft: Draft, choice: JsonObject, path: str, position: int, count: int) -> None:
        index = choice.get("index")
        if type(index) is not int:
            as_number = int(index) if isinstance(index, str) and index.isdigit() and len(index) < 9 else position
            draft.put("choice-index-missing", choice, "index", as_number, path)
            index = as_number
        counts = count == 1 and index == self._last + 1 and "role" not in reading.delta(choice)
        if counts and self.story.n is None and 0 in self.story.opened and index not in self.story.opened:
            self._all_zero = True
        self._last = index
        if self._all_zero and index != 0 and count == 1:
            draft.put("choice-index-is-token-counter", choice, "index", 0, path)

    def _delta(self, draft: Draft, choice: JsonObject, path: str) -> None:
        message = choice.get("message")
        if type(choice.get("delta")) is dict:
            if "message" in choice:
                draft.drop("full-message-repeated", choice, "message", path)
            return
        if isinstance(message, dict):
            draft.put("choice-message-instead-of-delta", choice, "delta", self._news_of(dict(message)), path)
            del choice["message"]
        elif isinstance(choice.get("text"), str):
            text = choice.pop("text")
            draft.put("choice-message-instead-of-delta", choice, "delta", {"content": text} if text else {}, path)
        else:
            azure = any(key.startswith("content_filter") for key in choice)
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
        if not isinstance(value, str) or value.strip().lower() in ("", "null", "none"):
            if isinstance(value, str) or value is False:
                draft.put("finish-reason-empty-string", choice, "finish_reason", None, path)
            return
        known = known_reason(value)
        if known is None:
            self.story.cannot("finish-reason-unknown-value", f"nobody can say what {value[:40]!r} means")
        else:
            draft.put("finish-reason-unknown-value", choice, "finish_reason", known, path)
