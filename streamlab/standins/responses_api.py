"""OpenAI's Responses API as it streams, and two gateways that speak it with a fault; the model name says which."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from streamlab.standins.answers import objects, speak, tidied, tokens
from streamlab.standins.base import WEATHER_TOOL, Minter, Scenario, StandinServer, compact
from streamlab.standins.plain_http import HttpRequest, HttpResponse, JsonObject

Events = list[JsonObject]
_THOUGHT = "**Thinking** it over, a short answer will do."
_PROMPT, _CALL = "Why is the sea salty?", "Call the tool for Oslo."
_TOOL = {"type": "function", **WEATHER_TOOL["function"]}


def asked(model: str, prompt: str, **more: Any) -> JsonObject:
    """The body of a streamed request."""
    return {"model": model, "stream": True, "input": [{"role": "user", "content": prompt}], **more}


class Response:
    """One answer, decided by the request: its items and the events of its stream."""

    def __init__(self, body: JsonObject, mint: Minter) -> None:
        chat = {
            "messages": [{"role": _role_of(body.get("input")), "content": _text_of(body.get("input"))}],
            "tools": [{"type": "function", "function": tool} for tool in objects(body.get("tools"))],
        }
        reply = speak(tidied(chat))
        self._body = body
        self.model = str(body.get("model") or "gpt-5")
        self.id = f"resp_{mint.hexadecimal(48)}"
        self._created = 1_795_000_000
        self._numbered = 0
        self.items: list[JsonObject] = []
        self.status = "completed"
        if isinstance(body.get("reasoning"), dict):
            summary = [{"type": "summary_text", "text": _THOUGHT}]
            self.items.append({"id": f"rs_{mint.hexadecimal(48)}", "type": "reasoning", "summary": summary})
        text, limit = reply.text, body.get("max_output_tokens")
        if isinstance(limit, int) and len(tokens(text)) > limit:
            text, self.status = "".join(tokens(text)[:limit]), "incomplete"
        if text:
            part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
            message = {"id": f"msg_{mint.hexadecimal(48)}", "type": "message", "role": "assistant", "content": [part]}
            self.items.append({**message, "status": self.status})
        for call in reply.tools:
            names = {"id": f"fc_{mint.hexadecimal(48)}", "type": "function_call", "call_id": f"call_{mint.letters(24)}"}
            self.items.append({**names, "name": call.name, "arguments": call.arguments, "status": "completed"})

    def object(self, status: str, **members: Any) -> JsonObject:
        """The response object; ``members`` replace its own."""
        done = status != "in_progress"
        if status == "incomplete":
            members = {"incomplete_details": {"reason": "max_output_tokens"}, **members}
        base = {"id": self.id, "object": "response", "created_at": self._created, "status": status}
        empty: JsonObject = {
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": self.model,
        }
        asked_for = {
            "max_output_tokens": self._body.get("max_output_tokens"),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": self._body.get("tools") or [],
        }
        steady = {
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "top_p": 1.0,
            "truncation": "disabled",
            "user": None,
        }
        usage = self._usage() if done else None
        output = self.items if done else []
        return {**base, **empty, **asked_for, **steady, "output": output, "usage": usage, **members}

    def _usage(self) -> JsonObject:
        count = sum(len(tokens(_said(item))) for item in self.items)
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {"input_tokens": 12, "output_tokens": count, "total_tokens": 12 + count, **details}

    def events(self) -> Events:
        """The events of the stream, in order, numbered."""
        opening = [{"type": f"response.{kind}", "response": self.object("in_progress")} for kind in _OPENING]
        items = [event for at, item in enumerate(self.items) for event in item_events(at, item)]
        closing = {"type": f"response.{self.status}", "response": self.object(self.status)}
        return numbered([*opening, *items, closing])


def _said(item: JsonObject) -> str:
    """What an item says, without its ids, so that the same answer costs the same."""
    parts = objects(item.get("content")) + objects(item.get("summary"))
    return "".join(str(part.get("text")) for part in parts) + str(item.get("name", "")) + str(item.get("arguments", ""))


_OPENING = ("created", "in_progress")


def numbered(events: Events) -> Events:
    """The same events with sequence numbers."""
    return [{**event, "sequence_number": at} for at, event in enumerate(events)]


def item_events(at: int, item: JsonObject) -> Events:
    """The events of one item of the output."""
    empty: JsonObject = {"content": [], "arguments": "", "summary": [], "status": "in_progress"}
    opened = {key: empty.get(key, value) for key, value in item.items()}
    inside = _INSIDE[item["type"]](at, item)
    return [
        {"type": "response.output_item.added", "output_index": at, "item": opened},
        *inside,
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]


def _message_events(at: int, item: JsonObject) -> Events:
    [part] = item["content"]
    where = {"item_id": item["id"], "output_index": at, "content_index": 0}
    words = [
        {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        for piece in tokens(part["text"])
    ]
    return [
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *words,
        {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _call_events(at: int, item: JsonObject) -> Events:
    kind, where = "response.function_call_arguments", {"item_id": item["id"], "output_index": at}
    pieces = [{"type": f"{kind}.delta", **where, "delta": piece} for piece in tokens(item["arguments"])]
    return [*pieces, {"type": f"{kind}.done", **where, "arguments": item["arguments"], "name": item["name"]}]


def _summary_events(at: int, item: JsonObject) -> Events:
    kind, [part] = "response.reasoning_summary", item["summary"]
    where = {"item_id": item["id"], "output_index": at, "summary_index": 0}
    return [
        {"type": f"{kind}_part.added", **where, "part": {**part, "text": ""}},
        *({"type": f"{kind}_text.delta", **where, "delta": piece} for piece in tokens(part["text"])),
        {"type": f"{kind}_text.done", **where, "text": part["text"]},
        {"type": f"{kind}_part.done", **where, "part": part},
    ]


_INSIDE: dict[str, Callable[[int, JsonObject], Events]] = {
    "message": _message_events,
    "function_call": _call_events,
    "reasoning": _summary_events,
}


def _role_of(asked_for: Any) -> str:
    last = (objects(asked_for) or [{}])[-1]
    return "tool" if last.get("type") == "function_call_output" else "user"


def _text_of(asked_for: Any) -> str:
    if isinstance(asked_for, str):
        return asked_for
    said = (objects(asked_for) or [{}])[-1]
    last = said.get("output") if said.get("type") == "function_call_output" else said.get("content")
    return last if isinstance(last, str) else compact(last)


# -- faults ------------------------------------------------------------------------------------------------------------


def one_output_index(events: Events) -> Events:
    """Every item has number 0, since the gateway's upstream has one answer only."""
    return [{**event, "output_index": 0} if "output_index" in event else event for event in events]


def failure_as_completed(events: Events) -> Events:
    """The upstream broke off; the gateway closes the response as if it were whole."""
    made = deepcopy(
        [event for event in events if "delta" in event or event["type"] in _BEGINNINGS][: -len(events) // 3]
    )
    done = deepcopy(events[-1])
    done["response"]["output"] = []
    return numbered([*made, done])


def no_completed(events: Events) -> Events:
    """Everything comes but the end."""
    return events[:-1]


def no_id(events: Events) -> Events:
    """The response has no id when it is completed."""
    made = deepcopy(events)
    del made[-1]["response"]["id"]
    return made


def no_item_added(events: Events) -> Events:
    """Items are done that were never added."""
    opened = ("response.output_item.added", "response.content_part.added", "response.reasoning_summary_part.added")
    return numbered([event for event in events if event["type"] not in opened])


def text_only_in_done(events: Events) -> Events:
    """The words come whole, when they are done."""
    return numbered([event for event in events if "delta" not in event])


def error_alone(events: Events) -> Events:
    """The upstream failed, and the gateway says so in an event that Codex passes over."""
    return [*events[:4], {"type": "error", "code": "server_error", "message": "The model is overloaded", "param": None}]


def no_item_done(events: Events) -> Events:
    """Items are never done; the completed response lists them."""
    return numbered([event for event in events if event["type"] != "response.output_item.done"])


def no_role(events: Events) -> Events:
    """The message does not say whose it is."""
    made = deepcopy(events)
    items = [event["item"] for event in made if "item" in event] + made[-1]["response"]["output"]
    for item in items:
        item.pop("role", None)
    return made


def details_empty(events: Events) -> Events:
    """Usage has its details, with nothing in them."""
    made = deepcopy(events)
    made[-1]["response"]["usage"] |= {"input_tokens_details": {}, "output_tokens_details": {}}
    return made


def no_total(events: Events) -> Events:
    """Usage without the sum."""
    made = deepcopy(events)
    del made[-1]["response"]["usage"]["total_tokens"]
    return made


def done_named(events: Events) -> Events:
    """The end has the name that it has over WebSockets."""
    return [*events[:-1], {**events[-1], "type": "response.done"}]


_BEGINNINGS = ("response.created", "response.in_progress", "response.output_item.added", "response.content_part.added")
FAULTS: dict[str, Callable[[Events], Events]] = {
    "one-output-index": one_output_index,
    "failure-as-completed": failure_as_completed,
    "no-completed": no_completed,
    "no-id": no_id,
    "no-item-added": no_item_added,
    "text-only-in-done": text_only_in_done,
    "error-alone": error_alone,
    "no-item-done": no_item_done,
    "no-role": no_role,
    "details-empty": details_empty,
    "no-total": no_total,
    "done-named": done_named,
}


def _refused(path: str, body: Any) -> tuple[str, str | None] | None:
    """Why a request is refused, and the code of that; None where it is answered."""
    if not path.endswith("/responses") or not isinstance(body, dict):
        return "Not a request for a response", None
    if not body.get("input") or not isinstance(body["input"], str | list):
        return "Invalid type for 'input': expected a string or a list of items", "invalid_type"
    if "no-such-model" in str(body.get("model")):
        return f"The requested model '{body['model']}' does not exist.", "model_not_found"
    return None


class ResponsesServer(StandinServer):
    """What every server of the Responses API here shares."""

    base_path = "/v1"

    async def answer(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        wrong = _refused(request.path, body)
        if wrong is not None:
            error = {"message": wrong[0], "type": "invalid_request_error", "param": None, "code": wrong[1]}
            await response.whole(400, self._head("application/json"), compact({"error": error}).encode())
            return
        answer = Response(body, self.minter(request))
        if body.get("stream") is not True:
            await response.whole(200, self._head("application/json"), compact(answer.object(answer.status)).encode())
            return
        await response.start(200, [*self._head("text/event-stream; charset=utf-8"), ("Transfer-Encoding", "chunked")])
        for event in self.bent(answer):
            await self.setting.generate()
            await response.send(f"event: {event['type']}\ndata: {compact(event)}\n\n".encode())
        await response.end()

    def bent(self, answer: Response) -> Events:
        """The events that go out."""
        return answer.events()

    def _head(self, content_type: str) -> list[tuple[str, str]]:
        return [("Date", self.setting.date), ("Content-Type", content_type), ("Cache-Control", "no-store")]


class ResponsesApi(ResponsesServer):
    """api.openai.com/v1/responses, without the keys."""

    name = "responses"
    description = "the Responses API as OpenAI streams it"
    versions = ("2026-08",)
    scenarios = (
        Scenario("text", "A plain answer; nothing to find.", "nobody", asked("gpt-5", _PROMPT), path="/responses"),
        Scenario("tool", "A tool call.", "nobody", asked("gpt-5", _CALL, tools=[_TOOL]), path="/responses"),
    )


class ResponsesGateway(ResponsesServer):
    """A gateway that is to speak the Responses API, and does so with one fault."""

    name = "responses-gateway"
    description = "gateways that speak the Responses API with a fault; the model name says which"
    versions = ("2026-08",)
    scenarios = (
        Scenario(
            "one-output-index",
            "Every item has output_index 0: openai-python .stream() and openai-node .stream() raise.",
            "the gateway, which numbers every item 0",
            asked("one-output-index", "Call the tool for Oslo and Lima.", tools=[_TOOL]),
            ("responses-output-index-reused",),
            path="/responses",
        ),
        Scenario(
            "failure-as-completed",
            "The upstream broke off, and the response is completed all the same: half an answer looks whole.",
            "the gateway, which closes what broke off",
            asked("failure-as-completed", _PROMPT),
            ("responses-completed-output-empty",),
            path="/responses",
        ),
    )

    def bent(self, answer: Response) -> Events:
        bend = FAULTS.get(answer.model)
        return bend(answer.events()) if bend else answer.events()
