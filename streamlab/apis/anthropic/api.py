"""Anthropic's Messages API, as the rest of the house may know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    CLAUDE_CODE_IDLE_US,
    ERROR,
    ERROR_TYPES,
    LONG_SILENCE_US,
    MESSAGE_STOP,
    MESSAGES_ERRORS,
    MESSAGES_STREAMING,
    PING,
)
from streamlab.rules.api import Api
from streamlab.rules.repair import LONGEST, Draft, RepairState
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object
from streamlab.wire.runs import Run

if TYPE_CHECKING:
    from streamlab.apis.anthropic.fold import MessageFold
    from streamlab.apis.anthropic.reader import MessageReader
    from streamlab.apis.question import Question
    from streamlab.apis.translator import Translator
    from streamlab.rules.api import Follower
    from streamlab.rules.request import RequestReading
    from streamlab.wire.stamps import Stamp


class Anthropic(Api):
    """``POST /messages``: typed events from ``message_start`` to ``message_stop``, with blocks in between."""

    name = "anthropic.messages"
    title = "Anthropic Messages"
    streaming = MESSAGES_STREAMING
    errors = MESSAGES_ERRORS
    known_clients = ("claude-code", "anthropic-python", "ai-sdk")
    vendor = "Anthropic"
    judged = True
    path_ends = ("/messages",)
    path = "/v1/messages"
    key_variable = "ANTHROPIC_API_KEY"
    ending_types = frozenset({MESSAGE_STOP, ERROR})
    keepalive_types = frozenset({PING})
    names_events = True
    tells_broken_errors = True
    read_by_name = True
    error_body = '{"type": "error", "error": {"type": "...", "message": "..."}}'
    stream_start = "event: message_start, data: {...}"
    shortest_stream = "message_start, message_delta and message_stop"
    stall_us = LONG_SILENCE_US
    gives_up_us = CLAUDE_CODE_IDLE_US

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        if not isinstance(kind, str):
            return False
        begun = value.get("role") == "assistant" and "model" in value  # what is left of one that was cut
        whole = begun or (isinstance(value.get("content"), list) and "usage" in value)
        return (whole and kind == "message") or kind.startswith(("message_", "content_block_")) or kind == PING

    def promises_other_than(self, found: Api) -> bool:
        return not found.ends_with_done and super().promises_other_than(found)  # chunks of chat have their own rule

    def asks_for_stream(self, body: JsonObject, url: str) -> bool:
        return super().asks_for_stream(body, url) or "-with-response-stream" in url  # Bedrock

    def tracker(self) -> MessageReader:
        from streamlab.apis.anthropic.reader import MessageReader

        return MessageReader()

    def stamps(self, chunk: JsonObject) -> dict[str, Stamp]:
        from streamlab.apis.anthropic.following import stamps  # deferred: live streams alone follow one another

        return stamps(chunk)

    def follower(self, asked: RequestReading) -> Follower:
        from streamlab.apis.anthropic.following import MessageFollower

        return MessageFollower()

    def fold(self, tracker: Any) -> MessageFold:
        from streamlab.apis.anthropic.fold import MessageFold

        return MessageFold(tracker)

    def texts(self, value: JsonObject) -> Iterator[tuple[Any, str, str]]:
        delta = as_object(value.get("delta"))
        for key in ("text", "thinking", "partial_json"):
            if type(delta.get(key)) is str:
                yield str(value.get("index")), delta[key], f"delta.{key}"

    def wants_a_look_at(self, run: Run, state: RepairState) -> bool:
        return False  # nobody looks at what no repair waits for

    def unseen(self, run: Run, state: RepairState) -> int:
        return LONGEST

    def run_passed(self, run: Run, state: RepairState) -> None:
        self.passed(run.template.chunk, state)

    def passed(self, value: JsonObject, state: RepairState) -> None:
        if not state.opened and value.get("type") == BLOCK_DELTA:
            state.opened.add(0)  # content has begun

    def is_error_body(self, value: JsonObject) -> bool:
        error = as_object(value.get("error"))
        return value.get("type") == ERROR and type(error.get("type")) is str and type(error.get("message")) is str

    def error_type(self, status: int) -> str:
        return ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")

    def error_answer(self, error: JsonObject) -> JsonObject:
        held = {key: held for key, held in error.items() if held is not None and key not in ("type", "message")}
        return {"type": ERROR, "error": {"type": error["type"], "message": error["message"], **held}}

    def is_whole_answer(self, value: JsonObject) -> bool:
        return value.get("type") == "message" and type(value.get("content")) is list

    def streamed(self, value: JsonObject, state: RepairState) -> Iterable[Draft] | None:
        from streamlab.apis.anthropic.repairs.whole import streamed

        return streamed(value, state) if self.is_whole_answer(value) else None

    def questions(self) -> Iterable[Question]:
        from streamlab.apis.anthropic.questions import QUESTIONS

        return QUESTIONS

    def credentials(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": "2023-06-01", **({"x-api-key": key} if key else {})}

    def translator(self) -> type[Translator] | None:
        from streamlab.apis.anthropic.translator import AnthropicTranslator

        return AnthropicTranslator


API = Anthropic()
