"""What gateways make of Anthropic's stream: each fault as it was reported of several of them in 2025 and 2026.

The model name says which. Up to the fault, the stream is Anthropic's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy

from streamlab.standins.anthropic_api import READ_TOOL, MessagesAnswer, MessagesServer, frame, messages
from streamlab.standins.base import Scenario, compact
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

Events = list[JsonObject]
_PROMPT, _CALL = "Why is the sea salty?", "Call the tool for Oslo."


def two_starts(events: Events) -> Events:
    """The gateway writes message_start itself and passes on the upstream's: so LiteLLM has done (#32357)."""
    mine = deepcopy(events[0])
    mine["message"]["usage"] = {"input_tokens": 0, "output_tokens": 0}
    return [mine, *events]


def thinking_in_text(events: Events) -> Events:
    """One text block is opened for everything, thinking included."""
    made: Events = []
    for event in events:
        if event["type"] == "content_block_start" and event["index"] == 0:
            event = {**event, "content_block": {"type": "text", "text": ""}}
        elif (event.get("index") == 1 and event["type"] == "content_block_start") or (
            event.get("index") == 0 and event["type"] == "content_block_stop"
        ):
            continue
        if event.get("delta", {}).get("type") != "signature_delta":
            made.append({**event, "index": 0} if "index" in event else event)
    return made


def second_stop(events: Events) -> Events:
    """Blocks are closed when the next one opens, and again at the end."""
    stops = [event for event in events if event["type"] == "content_block_stop"]
    return [*events[:-2], stops[-1], *events[-2:]]


def no_terminal(events: Events) -> Events:
    """The translator forgets the end: no stop of the last block, no message_delta, no message_stop."""
    return events[:-3]


def input_in_start(events: Events) -> Events:
    """The upstream sends a call whole, and so does the gateway, in content_block_start."""
    deltas = [event for event in events if event.get("delta", {}).get("type") == "input_json_delta"]
    whole = "".join(event["delta"]["partial_json"] for event in deltas)
    made = [deepcopy(event) for event in events if event not in deltas]
    for event in made:
        if event.get("content_block", {}).get("type") == "tool_use":
            event["content_block"]["input"] = _parsed(whole)
    return made


def openai_words(events: Events) -> Events:
    """The words of the other protocol are left as they are: its stop reason, its names for usage."""
    made = deepcopy(events)
    delta = made[-2]
    delta["delta"]["stop_reason"] = {"end_turn": "stop", "tool_use": "tool_calls"}[delta["delta"]["stop_reason"]]
    counts = delta["usage"]
    delta["usage"] = {"prompt_tokens": counts["input_tokens"], "completion_tokens": counts["output_tokens"]}
    return made


def index_from_one(events: Events) -> Events:
    """Thinking was taken out, and its number with it."""
    return [{**event, "index": event["index"] + 1} if "index" in event else event for event in events]


def no_block_stop(events: Events) -> Events:
    """The last block is never closed."""
    stops = [event for event in events if event["type"] == "content_block_stop"]
    return [event for event in events if event is not stops[-1]]


def start_late(events: Events) -> Events:
    """The first block is opened before the message, which the gateway writes once it knows the upstream's id."""
    return [events[1], events[0], *events[2:]]


def no_start(events: Events) -> Events:
    """The translator begins with the first block."""
    return events[1:]


def text_in_start(events: Events) -> Events:
    """The upstream's first words go where the block is opened."""
    made = deepcopy(events)
    first = next(event for event in made if event.get("delta", {}).get("type") == "text_delta")
    for event in made:
        if event["type"] == "content_block_start" and event["index"] == first["index"]:
            event["content_block"]["text"] = first["delta"]["text"]
    return [event for event in made if event is not first]


def late_delta(events: Events) -> Events:
    """The last block is closed before its last words."""
    return [*events[:-4], events[-3], events[-4], *events[-2:]]


def _same(events: Events) -> Events:
    return events


def _parsed(text: str) -> JsonObject:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


FAULTS: dict[str, Callable[[Events], Events]] = {
    "two-starts": two_starts,
    "thinking-in-text": thinking_in_text,
    "second-stop": second_stop,
    "no-event-names": _same,
    "no-terminal": no_terminal,
    "input-in-start": input_in_start,
    "openai-words": openai_words,
    "index-from-one": index_from_one,
    "no-block-stop": no_block_stop,
    "start-late": start_late,
    "no-start": no_start,
    "text-in-start": text_in_start,
    "late-delta": late_delta,
    "done-marker": _same,
}


class MessagesGateway(MessagesServer):
    """A gateway in front of another model that is to speak the Messages API, and does so with one fault."""

    name = "messages-gateway"
    description = "gateways that speak the Messages API with a fault; the model name says which"
    versions = ("2026-08",)
    scenarios = (
        Scenario(
            "two-starts",
            "message_start comes twice: anthropic-ts raises, others count the input twice.",
            "the gateway, which writes one and passes on the other",
            messages("two-starts", _PROMPT),
            ("messages-start-repeated",),
            path="/messages",
        ),
        Scenario(
            "thinking-in-text",
            "Thinking comes in a text block: the SDKs drop it without a word, Claude Code asks again, not streaming.",
            "the gateway, which opens one text block for all",
            messages("thinking-in-text", _PROMPT, thinking={"type": "adaptive"}),
            ("messages-delta-type-mismatch",),
            path="/messages",
        ),
        Scenario(
            "second-stop",
            "The last block is closed twice: Claude Code asks four times and prints the answer four times.",
            "the gateway, which closes at the end what it had closed",
            messages("second-stop", _PROMPT),
            ("messages-block-stop-repeated",),
            path="/messages",
        ),
        Scenario(
            "no-event-names",
            "Data without event lines: anthropic-python sees no event, Claude Code asks again without streaming.",
            "the gateway, which writes data lines alone",
            messages("no-event-names", _PROMPT),
            ("messages-event-line-missing",),
            path="/messages",
        ),
        Scenario(
            "no-terminal",
            "The stream stops after the last word: most clients take it as whole, Claude Code asks again and again.",
            "the gateway, whose translator forgets the end",
            messages("no-terminal", _PROMPT),
            ("messages-truncated",),
            path="/messages",
        ),
        Scenario(
            "input-in-start",
            "The tool's input stands in the start: Claude Code runs the tool with {}.",
            "the gateway, which passes on a whole call as a whole",
            messages("input-in-start", _CALL, tools=[READ_TOOL]),
            ("messages-tool-input-in-start",),
            path="/messages",
        ),
        Scenario(
            "openai-words",
            "stop_reason stop and prompt_tokens: the AI SDK raises, agents that wait for end_turn spin.",
            "the gateway, which translates the frame and not the words",
            messages("openai-words", _PROMPT),
            ("messages-stop-reason-unknown", "messages-usage-wrong-shape"),
            path="/messages",
        ),
        Scenario(
            "index-from-one",
            "The first block has number 1: anthropic-python raises IndexError, anthropic-ts loses the text.",
            "the gateway, which took out the thinking and not its number",
            messages("index-from-one", _PROMPT),
            ("messages-block-index-gap",),
            path="/messages",
        ),
        Scenario(
            "no-block-stop",
            "The last block stays open: Claude Code shows an empty answer and asks again.",
            "the gateway, which forgets to close the last block",
            messages("no-block-stop", _PROMPT),
            ("messages-block-stop-missing",),
            path="/messages",
        ),
        Scenario(
            "start-late",
            "message_start comes second: both official SDKs raise, Claude Code throws the stream away.",
            "the gateway, which waits for the upstream's id",
            messages("start-late", _PROMPT),
            ("messages-start-missing",),
            path="/messages",
        ),
        Scenario(
            "done-marker",
            "event: data and [DONE] after a perfect answer: the newest Anthropic SDKs raise a JSON error.",
            "the gateway, which ends every protocol alike",
            messages("done-marker", _PROMPT),
            ("messages-done-marker",),
            path="/messages",
        ),
    )

    async def stream(self, request: HttpRequest, response: HttpResponse, answer: MessagesAnswer) -> None:
        bend = FAULTS.get(answer.model, _same)
        await self.start(request, response)
        for event in bend(answer.events()):
            await self.setting.generate()
            named = answer.model != "no-event-names"
            await response.send(frame(event) if named else f"data: {compact(event)}\n\n".encode())
        if answer.model == "done-marker":
            await response.send(b"event: data\ndata: [DONE]\n\n")
        await response.end()
