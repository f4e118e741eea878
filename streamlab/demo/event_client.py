"""A client of APIs whose events have names, as SDKs are made: it goes by the name, and opens what a start opens.

It takes what official clients take and drops what they drop, so that what it saw is what their user would report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from streamlab.demo.clients import PATIENCE_S, ClientOutcome, named, to_the_end

_DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}


class UnexpectedOrderError(Exception):
    """What anthropic-ts raises at a second message_start."""


@dataclass(slots=True)
class _Held:
    """A message or a response while it is read."""

    seen: ClientOutcome
    started: bool = False
    blocks: dict[Any, dict[str, Any]] = field(default_factory=dict)

    def take(self, kind: str, event: dict[str, Any]) -> None:
        """One event."""
        self.seen.chunks += 1
        if kind == "message_start":
            if self.started:
                raise UnexpectedOrderError(f'Unexpected event order, got {kind} before receiving "message_stop"')
            self.started, self.seen.why_it_ended = True, "stop_reason"
        elif kind == "content_block_start":
            self.blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif kind == "content_block_delta":
            self._delta(self.blocks[event["index"]], event["delta"])
        elif kind == "message_delta":
            self.seen.finishes.append(str(event["delta"]["stop_reason"]))
        elif kind.startswith("response."):
            self._response(kind, event)

    def _delta(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        if delta["type"] != _DELTAS.get(block["type"]):
            return  # dropped without a word
        if block["type"] == "text":
            self.seen.text += delta["text"]
        elif block["type"] == "tool_use":
            block["json"] += delta["partial_json"]

    def _response(self, kind: str, event: dict[str, Any]) -> None:
        self.seen.why_it_ended = "status"
        if kind == "response.output_text.delta":
            self.seen.text += event["delta"]
        elif kind == "response.output_item.added":
            self.blocks[event["output_index"]] = {**event["item"], "json": ""}
        elif kind == "response.function_call_arguments.delta":
            self.blocks[event["output_index"]]["json"] += event["delta"]
        elif kind == "response.completed":
            self.seen.finishes.append(event["response"]["status"])

    def finish(self) -> None:
        """The calls as they would be run: a client that reads deltas knows no input but theirs."""
        kinds = ("tool_use", "function_call")
        calls = [block for block in self.blocks.values() if block["type"] in kinds]
        self.seen.calls = [f"{block['name']}({block['json'] or '{}'})" for block in calls]


def ask_by_events(url: str, body: dict[str, Any]) -> ClientOutcome:
    """Streams one answer and says what was held at its end."""
    held = _Held(ClientOutcome())
    try:
        with (
            httpx.Client(transport=to_the_end(httpx), timeout=PATIENCE_S, trust_env=False) as client,
            client.stream("POST", url, json=body) as answer,
        ):
            answer.raise_for_status()
            for kind, data in _named_events(answer.iter_lines()):
                held.take(kind, json.loads(data))
    except Exception as error:  # whatever the client raises is what its user sees
        held.seen.error = named(error)
    held.finish()
    return held.seen


def _named_events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Name and data of each event; events without a name are passed over."""
    name = data = ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif not line:
            if name and data:
                yield name, data
            name = data = ""
