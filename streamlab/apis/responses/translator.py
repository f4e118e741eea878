"""OpenAI's Responses: ``response.created`` … ``response.completed``, or a whole response where the stream was ignored.

Read as clients do that build from the events: text and arguments from their deltas; what came without any is taken
from where it is told whole, the item that is done or, at last, the finished response.
"""

from __future__ import annotations

from typing import Any, Final

from streamlab.apis.responses.expectations import CALL_INPUT, CALLS, CHAT_DETAILS, COMPLETED, FAILED, INCOMPLETE
from streamlab.apis.translator import Events, Translator
from streamlab.wire.events import Done, ErrorPayload
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: Deltas of text, by the member of chat that holds it.
_TEXTS: Final = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "reasoning_content",
    "response.reasoning_text.delta": "reasoning_content",
}
_INPUTS: Final = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")
#: Why a response is incomplete -> the finish_reason of chat.
_CUT: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}
_PARTS: Final = {"output_text": ("text", "content"), "refusal": ("refusal", "refusal")}


class ResponsesTranslator(Translator):
    """Output items become text, reasoning and tool calls."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__(body)
        self._calls: dict[Any, int] = {}  # item -> number of the call
        self._said: set[Any] = set()  # items of which a text or arguments went out
        self._done: set[Any] = set()
        self._ended = False

    def chunk(self, value: JsonObject) -> Events:
        kind = value.get("type")
        if kind in _TEXTS:
            return self._text(value, _TEXTS[str(kind)])
        if kind in _INPUTS:
            return self._arguments(value)
        if kind == "response.output_item.added":
            return self._added(value, as_object(value.get("item")))
        if kind == "response.output_item.done":
            return self._finished(value, as_object(value.get("item")))
        if kind in (COMPLETED, INCOMPLETE, FAILED):
            return self._end(as_object(value.get("response")), str(kind).removeprefix("response."))
        if kind == "error":
            return self.error({"error": value})
        response = as_object(value.get("response"))
        if response or value.get("object") == "response":
            return self._begin(response) if response else self._end(value, str(value.get("status")))
        return ()

    def _begin(self, response: JsonObject) -> Events:
        if not self.opened:
            self._name(response)
            yield self.made({"content": ""})

    def _name(self, response: JsonObject) -> None:
        if self.id:
            return
        self.name_stream(response, response.get("id"), response.get("model"))
        created: Any = response.get("created_at")
        self.created = int(created) if type(created) in (int, float) else None

    # -- items -------------------------------------------------------------------------------------------------------

    def _text(self, value: JsonObject, member: str) -> Events:
        piece = value.get("delta")
        if type(piece) is str and piece:
            self._said.add(_key(value))
            yield self.made({member: piece})

    def _arguments(self, value: JsonObject) -> Events:
        piece, key = value.get("delta"), _key(value)
        if type(piece) is str and piece:
            self._said.add(key)
            if key in self._calls:
                yield self._piece(key, piece)

    def _piece(self, key: Any, piece: str) -> Any:
        return self.made({"tool_calls": [{"index": self._calls[key], "function": {"arguments": piece}}]})

    def _added(self, value: JsonObject, item: JsonObject) -> Events:
        key = _key(value, item)
        kind = item.get("type")
        if type(kind) is str and kind in CALLS and key not in self._calls:
            number = self._calls[key] = len(self._calls)
            function = {"name": item.get("name"), "arguments": ""}
            yield self.made(
                {"tool_calls": [{"index": number, "id": item.get("call_id"), "type": "function", "function": function}]}
            )
        elif kind not in ("message", "reasoning"):
            self.lost[f"an output item of type {kind}"] = None

    def _finished(self, value: JsonObject, item: JsonObject) -> Events:
        """What an item holds of which nothing came before."""
        key = _key(value, item)
        if key in self._done:
            return
        self._done.add(key)
        kind = item.get("type")
        if type(kind) is str and kind in CALLS:
            yield from self._added(value, item) if key not in self._calls else ()
            whole = item.get(CALL_INPUT[kind])
            if key not in self._said and type(whole) is str and whole:
                yield self._piece(key, whole)
        elif key not in self._said:
            for part in map(as_object, as_list(item.get("content"))):
                text, member = _PARTS.get(str(part.get("type")), ("", ""))
                if text and part.get(text):
                    yield self.made({member: part[text]})
            for part in map(as_object, as_list(item.get("summary"))):
                if part.get("text"):
                    yield self.made({"reasoning_content": part["text"]})

    # -- the end -----------------------------------------------------------------------------------------------------

    def _end(self, response: JsonObject, how: str) -> Events:
        self._name(response)
        if not self._ended:
            yield from self._whatever_is_left(response)
            yield from self._finish(response, how)

    def _whatever_is_left(self, response: JsonObject) -> Events:
        """Items that stand in the finished response alone: where nothing was streamed, that is all of them."""
        if self._said or self._done:
            return
        for number, item in enumerate(as_list(response.get("output"))):
            yield from self._finished({"output_index": number}, as_object(item))

    def _finish(self, response: JsonObject, how: str) -> Events:
        reason = as_object(response.get("incomplete_details")).get("reason")
        if how == "completed":
            finish: str | None = "tool_calls" if self._calls else "stop"
        else:
            finish = _CUT.get(str(reason)) if how == "incomplete" else None
        if finish is None:
            told = response.get("error") or {"message": f"the response is {how}", "code": reason}
            yield from self.error({"error": told})
            return
        self._ended = True
        yield self.made({}, 0, finish)
        usage = as_object(response.get("usage"))
        if usage:
            details = {theirs: usage.get(ours) for theirs, ours in CHAT_DETAILS.items()}
            yield self.usage(
                usage.get("input_tokens"), usage.get("output_tokens"), total=usage.get("total_tokens"), **details
            )
        yield Done(None)

    def error(self, value: JsonObject) -> Events:
        """An error, nested as OpenAI sends it, flat as its specification has it, or of a response that failed."""
        if value.get("object") == "response" or "response" in value:
            yield from self.chunk(value)  # its end tells
            return
        told = as_object(value["error"])
        inner = as_object(told.get("error")) or told
        self._ended = True
        shape = {"message": inner.get("message"), "type": inner.get("type") or "server_error", "param": None}
        yield ErrorPayload(None, {"error": {**shape, "code": inner.get("code")} if inner else value["error"]})


def _key(value: JsonObject, item: JsonObject | None = None) -> Any:
    """By what an item is told from the others: its place, or its id where it has none."""
    index = value.get("output_index")
    found = index if type(index) is int else as_object(item).get("id") or value.get("item_id")
    return found if isinstance(found, int | str) else None


__all__ = ["ResponsesTranslator"]
