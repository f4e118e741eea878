"""Chunks folded into the completion a client would hold: the truth by which streams are compared.

The fold is the tolerant reading that the official clients agree on where they agree: text in order, tool call
fragments merged by index (by id where the index is missing), the first id and name kept, arguments concatenated, the
first finish_reason of a choice kept. Where a stream is broken it holds what arrived and invents nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from streamlab.record import Record
from streamlab.wire import reading
from streamlab.wire.calls import CallTracker, TrackedCall, View, called
from streamlab.wire.finish_reasons import meaning_of
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import Run, TextKind
from streamlab.wire.told_deltas import meant_delta

_COMPACT_AFTER = 2048


class Text:
    """Text that grows by small pieces; the pieces are joined now and then so that memory follows the text."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        if not piece:
            return
        self._pieces.append(piece)
        if len(self._pieces) >= _COMPACT_AFTER:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def extend(self, pieces: list[str]) -> None:
        """Add pieces, none of them empty."""
        self._pieces += pieces
        if len(self._pieces) >= _COMPACT_AFTER:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def begin(self, size: int) -> str:
        """Its first characters, at most so many."""
        first = self._joined[0] if self._joined else ""
        return (first if len(first) >= size else str(self))[:size]

    def __bool__(self) -> bool:
        return bool(self._pieces or self._joined)

    def __str__(self) -> str:
        text = "".join((*self._joined, *self._pieces))
        self._joined = [text] if text else []
        self._pieces.clear()
        return text


class CallState(TrackedCall):
    """One tool call as it grows. ``arguments`` is the text so far, or the input of a custom tool, whose name ``tool``
    is then."""

    __slots__ = ("arguments", "tool", "type")

    def __init__(self, choice: int, index: int) -> None:
        super().__init__(choice, index)
        self.type: str | None = None
        self.tool: str | None = None
        self.arguments = Text()

    def add(self, fragment: JsonObject) -> None:
        super().add(fragment)
        kind = fragment.get("type")
        if not self.type and isinstance(kind, str):
            self.type = kind or self.type
        if type(fragment.get("custom")) is dict and "function" not in fragment:
            name, piece = called(fragment)
            self.tool = self.tool or (name if type(name) is str else "")
            if type(piece) is str:
                self.arguments.add(piece)

    def add_text(self, piece: str) -> None:
        if piece:
            self.scan.add(piece)
            self.arguments.add(piece)

    def extend(self, pieces: list[str]) -> None:
        self.scan.add("".join(pieces))
        self.arguments.extend(pieces)

    def as_json(self) -> JsonObject:
        if self.tool is not None and not self.name:
            custom = {"name": self.tool, "input": str(self.arguments)}
            return {"index": self.index, "id": self.id, "type": "custom", "custom": custom}
        return {
            "index": self.index,
            "id": self.id,
            "type": self.type or "function",
            "function": {"name": self.name, "arguments": str(self.arguments)},
        }


class ChoiceState:
    """One choice as it grows."""

    __slots__ = (
        "behind",
        "calls",
        "content",
        "finish_reason",
        "function_call",
        "index",
        "over",
        "place",
        "reasoning",
        "refusal",
        "role",
        "tracker",
    )

    def __init__(self, index: int, place: int = 0, behind: bool = False) -> None:
        self.index = index
        self.place = place  # in the list of the chunk in which it came first
        self.behind = behind  # whether another had finished when it came first
        self.over = False  # whether it finished for a reason that means something
        self.role: str | None = None
        self.content = Text()
        self.reasoning = Text()
        self.refusal = Text()
        self.tracker = CallTracker(CallState, View.BY_INDEX)
        self.calls: dict[int, CallState] = {}  # by index
        self.function_call: CallState | None = None
        self.finish_reason: str | None = None

    def add_calls(self, fragments: list[JsonObject]) -> None:
        for fragment in fragments:
            call = self.tracker.plain(self.index, fragment)
            if call is not None:
                call.add_text(fragment["function"]["arguments"])
                continue
            placed = self.tracker.place(self.index, fragment)
            if placed.opens:
                self.calls[placed.call.index] = placed.call

    @property
    def last_call(self) -> int | None:
        """The index of the call of the last fragment."""
        last = self.tracker.last(self.index)
        return None if last is None else last.index

    def as_json(self) -> JsonObject:
        result: JsonObject = {
            "index": self.index,
            "role": self.role,
            "content": str(self.content) if self.content else ("" if not self.calls else None),
            "tool_calls": [call.as_json() for call in self.calls.values()],
            "finish_reason": self.finish_reason,
        }
        if self.reasoning:
            result["reasoning"] = str(self.reasoning)
        if self.refusal:
            result["refusal"] = str(self.refusal)
        if self.function_call is not None:
            result["function_call"] = self.function_call.as_json()["function"]
        return result


class Mark(Record, frozen=True):
    """A moment of a fold, small: of texts it holds the lengths only, because they never change, they only grow."""

    known: tuple[str | None, str | None, Any, Any]
    choices: tuple[tuple[Any, ...], ...]
    items: tuple[tuple[Any, int], ...]


class Accumulator:
    """Folds the JSON of chunks of chat completions, legacy completions and the Responses API."""

    def __init__(self) -> None:
        self.choices: dict[int, ChoiceState] = {}
        self.usage: Any = None
        self.error: Any = None
        self.id: str | None = None
        self.model: str | None = None
        self._items: dict[Any, CallState] = {}

    def feed(self, chunk: JsonObject) -> None:
        """Add one chunk; never raises."""
        listed = chunk.get("choices")
        if type(listed) is list:
            for place, choice in enumerate(listed):
                if type(choice) is dict:
                    self._add_choice(choice, place)
        elif type(kind := chunk.get("type")) is str and kind.startswith("response."):  # a ping opens no choice
            self._add_response_event(chunk)
        if chunk.get("usage") is not None:
            self.usage = chunk["usage"]
        if self.id is None:
            self.id = chunk.get("id") or None
        if self.model is None:
            self.model = chunk.get("model") or None

    def growing(self, run: Run) -> Text | CallState | None:
        """What a run of chunks, the first of which was fed, adds text to; None where it has to be fed one by one."""
        varying = run.template.varying
        state = self.choices.get(varying.choice)
        if state is None or varying.text is not TextKind.ARGUMENTS:
            return None if state is None else _text(state, varying.text)
        return state.tracker.continuing(varying.choice, reading.fragment(run.template.chunk))

    def feed_error(self, payload: JsonObject) -> None:
        """Add an error event: what a client raises instead of returning."""
        if self.error is None:
            self.error = payload.get("error")
        if "choices" in payload:
            self.feed(payload)

    def choice(self, index: int = 0, place: int = 0) -> ChoiceState:
        """The state of a choice, made when it is new: it stands at ``place`` in the list of its chunk."""
        state = self.choices.get(index)
        if state is None:
            behind = any(one.over for one in self.choices.values())
            state = self.choices[index] = ChoiceState(index, place, behind)
        return state

    def _add_choice(self, choice: JsonObject, place: int) -> None:
        index = choice.get("index")
        state = self.choice(index if type(index) is int else 0, place)
        delta = choice.get("delta")
        if type(delta) is dict:
            self._add_delta(state, delta)
        elif type(choice.get("text")) is str:
            state.content.add(choice["text"])
        elif type(choice.get("message")) is dict:
            if not state.content:
                self._add_rest(state, choice["message"])
                state.content.add(_text_of(choice["message"].get("content")))
        else:
            self._add_delta(state, meant_delta(choice))
        reason = choice.get("finish_reason")
        if reason is not None and isinstance(reason, str) and reason:
            state.finish_reason = state.finish_reason or reason
            state.over = state.over or meaning_of(reason) is not None

    def _add_delta(self, state: ChoiceState, delta: JsonObject) -> None:
        text = delta.get("content")
        if text or text == 0:  # false and 0 are text of an answer, too, where they stand
            state.content.add(_text_of(text))
        if len(delta) > 1 or not text:
            self._add_rest(state, delta)

    @staticmethod
    def _add_rest(state: ChoiceState, delta: JsonObject) -> None:
        role = delta.get("role")
        if state.role is None and isinstance(role, str) and role:
            state.role = role
        calls = delta.get("tool_calls")
        if calls is not None:
            state.add_calls(reading.tool_calls(delta))
        thought = reading.reasoning(delta)
        if thought:
            state.reasoning.add(thought)
        refusal = delta.get("refusal")
        if type(refusal) is str and refusal:
            state.refusal.add(refusal)
        legacy = delta.get("function_call")
        if type(legacy) is dict:
            if state.function_call is None:
                state.function_call = CallState(state.index, 0)
            state.function_call.add({"function": legacy})

    def _add_response_event(self, event: JsonObject) -> None:
        kind, state = event["type"], self.choice()
        piece = event.get("delta")
        if kind == "response.output_text.delta" and type(piece) is str:
            state.content.add(piece)
        elif kind == "response.refusal.delta" and type(piece) is str:
            state.refusal.add(piece)
        elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            state.reasoning.add(piece if type(piece) is str else "")
        elif kind == "response.output_item.added":
            self._open_item(event, state)
        elif kind == "response.function_call_arguments.delta" and type(piece) is str:
            call = self._items.get(_key(event.get("item_id")))
            if call is not None:
                call.add_text(piece)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            response = reading.as_object(event.get("response"))
            status = response.get("status")
            state.finish_reason = status if isinstance(status, str) else kind.removeprefix("response.")
            self.usage = response.get("usage")
            if kind == "response.failed":
                self.error = response.get("error")

    def _open_item(self, event: JsonObject, state: ChoiceState) -> None:
        item = reading.as_object(event.get("item"))
        if item.get("type") == "message" and isinstance(item.get("role"), str):
            state.role = item["role"]
        if item.get("type") == "function_call":
            call = state.calls.setdefault(len(state.calls), CallState(state.index, len(state.calls)))
            call.add({"id": item.get("call_id"), "type": "function", "function": {"name": item.get("name")}})
            self._items[_key(item.get("id"))] = call

    def mark(self) -> Mark:
        """This moment, to come back to with `at`."""
        choices = tuple(
            (
                one.index,
                one.role,
                one.finish_reason,
                tuple(len(str(text)) for text in (one.content, one.reasoning, one.refusal)),
                tuple(_mark_call(call) for call in one.calls.values()),
                one.last_call,
                None if one.function_call is None else _mark_call(one.function_call),
            )
            for one in self.choices.values()
        )
        items = tuple((key, call.index) for key, call in self._items.items())
        return Mark((self.id, self.model, self.usage, self.error), choices, items)

    def at(self, mark: Mark) -> Accumulator:
        """A fold as it was at an earlier moment of this one; feeding it leaves this one alone."""
        past = Accumulator()
        past.id, past.model, past.usage, past.error = mark.known
        for index, role, finish, lengths, calls, last, legacy in mark.choices:
            now, state = self.choices[index], past.choice(index)
            state.role, state.finish_reason, state.over = role, finish, meaning_of(finish) is not None
            texts = (now.content, now.reasoning, now.refusal), (state.content, state.reasoning, state.refusal)
            for length, whole, text in zip(lengths, *texts, strict=True):
                if length:
                    text.add(str(whole)[:length])
            for one in calls:
                past_call = state.calls[one.number] = _call_at(now.calls[one.number], one)
                state.tracker.restore(past_call, last=one.number == last)
            if legacy is not None and now.function_call is not None:
                state.function_call = _call_at(now.function_call, legacy)
        past._items = {key: past.choice().calls[at] for key, at in mark.items if at in past.choice().calls}
        return past

    def completion(self) -> JsonObject:
        """What a client would hold now: the first choice's message, and all choices when there are several."""
        first = self.choices.get(0) or next(iter(self.choices.values()), None) or ChoiceState(0)
        result = first.as_json()
        del result["index"]
        result["usage"] = self.usage
        if self.error is not None:
            result["error"] = self.error
        if len(self.choices) > 1:
            result["choices"] = [self.choices[index].as_json() for index in sorted(self.choices)]
        return result


def _text(state: ChoiceState, kind: TextKind) -> Text:
    if kind is TextKind.NOTHING:
        return Text()  # nobody's
    if kind is TextKind.CONTENT:
        return state.content
    return state.reasoning if kind is TextKind.REASONING else state.refusal


class _CallMark(Record, frozen=True):
    number: int  # its index
    id: str | None
    type: str | None
    tool: str | None
    name: str | None
    last_name: str
    ids: int
    length: int


def _mark_call(call: CallState) -> _CallMark:
    known = (call.id, call.type, call.tool, call.name, call.last_name)
    return _CallMark(call.index, *known, len(call.ids), len(str(call.arguments)))


def _call_at(now: CallState, mark: _CallMark) -> CallState:
    past = CallState(now.choice, mark.number)
    past.id, past.type, past.tool, past.name, past.last_name = mark.id, mark.type, mark.tool, mark.name, mark.last_name
    past.ids = dict(islice(now.ids.items(), mark.ids))
    past.add_text(str(now.arguments)[: mark.length])
    return past


def _key(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _text_of(value: Any) -> str:
    """Text of a content that may be a string, a list of typed parts, or something no client can use."""
    if type(value) is str:
        return value
    if type(value) is list:
        parts = (part if type(part) is str else reading.as_object(part).get("text") for part in value)
        return "".join(part for part in parts if type(part) is str)
    return "" if value is None or type(value) is dict else str(value)
