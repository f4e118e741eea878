"""anthropic-python: ``messages.stream()``; ``--raw``: the events of ``create(stream=True)``, put together by hand."""

import json
import sys

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema

RAW = "--raw" in sys.argv
MAX_TOKENS = 1024


def finished(message, out):
    out["text"] = "".join(block.text for block in message.content if block.type == "text")
    out["reasoning"] = "".join(block.thinking for block in message.content if block.type == "thinking")
    out["tool_calls"] = [
        {"id": block.id, "name": block.name, "arguments": as_args(block.input)}
        for block in message.content
        if block.type == "tool_use"
    ]
    out["finish_reason"] = message.stop_reason
    out["usage"] = message.usage


def raw(stream, out):
    calls = {}
    for event in stream:
        out["n_chunks"] += 1
        if event.type == "content_block_start" and event.content_block.type == "tool_use":
            calls[event.index] = {"id": event.content_block.id, "name": event.content_block.name, "arguments": ""}
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            out["text"] += event.delta.text
        elif event.type == "content_block_delta" and event.delta.type == "thinking_delta":
            out["reasoning"] += event.delta.thinking
        elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            calls[event.index]["arguments"] += event.delta.partial_json
        elif event.type == "message_delta":
            out["finish_reason"] = event.delta.stop_reason or out["finish_reason"]
            out["usage"] = event.usage
        out["tool_calls"] = [dict(one) for one in calls.values()]
    for one in calls.values():  # documented next step of every tool loop
        json.loads(one["arguments"] or "{}")


def run(job, out):
    import anthropic

    client = anthropic.Anthropic(base_url=job["base_url"].removesuffix("/v1"), api_key=KEY, **RETRIES)
    asked = {"model": MODEL, "max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": PROMPT}]}
    if job.get("tools"):
        asked["tools"] = [{"name": one, "description": one, "input_schema": tool_schema()} for one in job["tools"]]
    if RAW:
        raw(client.messages.create(**asked, stream=True), out)
        return
    with client.messages.stream(**asked) as stream:
        for event in stream:
            out["n_chunks"] += 1
            if event.type == "text":
                out["text"] += event.text
        finished(stream.get_final_message(), out)


if __name__ == "__main__":
    main("py-anthropic", "anthropic", run, apis=("messages",), warm=["anthropic"])
