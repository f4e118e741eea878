"""What foreign streams say, read straight from their raw JSON with none of the package's code."""

from __future__ import annotations

import json
import re
from typing import Any

Said = dict[str, Any]


def values(body: bytes) -> list[Any]:
    """The JSON values of a body: an event stream's data lines, NDJSON, one array, or one object."""
    text = body.decode("utf-8")
    if text.lstrip()[:1] in ("{", "["):
        found, decoder = [], json.JSONDecoder()
        while text := text.lstrip():
            value, end = decoder.raw_decode(text)
            found += value if isinstance(value, list) else [value]
            text = text[end:]
        return found
    lines = [line[5:].strip() for line in re.split(r"\r\n|\n|\r", text) if line.startswith("data:")]
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def nothing() -> Said:
    return {
        "content": "",
        "reasoning": "",
        "calls": [],
        "finish": None,
        "prompt": None,
        "completion": None,
        "error": None,
    }


def gemini(body: bytes) -> Said:
    said = nothing()
    for value in values(body):
        if "error" in value:
            said["error"] = value["error"]["message"]
            continue
        usage = value.get("usageMetadata")
        if usage:
            said["prompt"] = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
            said["completion"] = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
        for candidate in value.get("candidates", []):
            for part in candidate.get("content", {}).get("parts", []):
                if "functionCall" in part:
                    said["calls"].append((part["functionCall"]["name"], part["functionCall"].get("args", {})))
                elif part.get("thought"):
                    said["reasoning"] += part.get("text", "")
                else:
                    said["content"] += part.get("text", "")
            if candidate.get("finishReason"):
                said["finish"] = {"STOP": "stop", 1: "stop", "MAX_TOKENS": "length"}[candidate["finishReason"]]
    if said["finish"] == "stop" and said["calls"]:
        said["finish"] = "tool_calls"
    return said


def anthropic(body: bytes) -> Said:
    said, blocks, usage = nothing(), {}, {}
    for value in values(body):
        kind = value.get("type")
        if kind == "message":
            usage.update(value["usage"])
            said["content"] = "".join(block.get("text", "") for block in value["content"])
            said["finish"] = value["stop_reason"]
        elif kind == "error":
            said["error"] = value["error"]["message"]
        elif kind == "message_start":
            usage.update(value["message"].get("usage") or {})
        elif kind == "content_block_start":
            block = value["content_block"]
            blocks[value["index"]] = [block, ""]
            said["content"] += block.get("text", "") if block["type"] == "text" else ""
        elif kind == "content_block_delta":
            delta = value["delta"]
            said["content"] += delta.get("text", "")
            said["reasoning"] += delta.get("thinking", "")
            blocks[value["index"]][1] += delta.get("partial_json", "")
        elif kind == "message_delta":
            said["finish"] = value["delta"].get("stop_reason") or said["finish"]
            usage.update({key: count for key, count in (value.get("usage") or {}).items() if count is not None})
    for block, arguments in blocks.values():
        if block["type"] == "tool_use":
            said["calls"].append((block["name"], json.loads(arguments) if arguments else block["input"]))
    reasons = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls", "max_tokens": "length"}
    said["finish"] = reasons.get(said["finish"])
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    said["prompt"] = sum(usage.get(key) or 0 for key in inputs)
    said["completion"] = usage.get("output_tokens", 0)
    return said


def ollama(body: bytes) -> Said:
    said = nothing()
    for value in values(body):
        message = value.get("message") or {"content": value.get("response"), "thinking": value.get("thinking")}
        said["content"] += message.get("content") or ""
        said["reasoning"] += message.get("thinking") or ""
        said["calls"] += [
            (call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or []
        ]
        if value.get("error"):
            said["error"] = value["error"]
        if value.get("done"):
            said["finish"] = value.get("done_reason") or "stop"
            if "eval_count" in value or "prompt_eval_count" in value:
                said["prompt"], said["completion"] = value.get("prompt_eval_count", 0), value.get("eval_count", 0)
    if said["finish"] == "stop" and said["calls"]:
        said["finish"] = "tool_calls"
    return said


def chat(body: bytes) -> Said:
    """A chat stream, read the same independent way."""
    said, calls = nothing(), {}
    for value in values(body):
        if value.get("error"):
            said["error"] = value["error"]["message"]
            continue
        if value.get("usage"):
            said["prompt"], said["completion"] = value["usage"]["prompt_tokens"], value["usage"]["completion_tokens"]
        for choice in value["choices"]:
            delta = choice["delta"]
            said["content"] += delta.get("content") or ""
            said["reasoning"] += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls", []):
                opened = calls.setdefault(call["index"], [call["function"].get("name"), ""])
                opened[1] += call["function"].get("arguments", "")
            said["finish"] = choice["finish_reason"] or said["finish"]
    said["calls"] = [(name, json.loads(arguments)) for name, arguments in calls.values()]
    return said
