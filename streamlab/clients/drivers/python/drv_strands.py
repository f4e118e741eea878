"""strands-agents OpenAIModel.stream -> strands.event_loop.streaming.process_stream (its own accumulator)."""

import asyncio

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema


async def go(job, out):
    from strands.event_loop.streaming import process_stream
    from strands.models.openai import OpenAIModel

    m = OpenAIModel(client_args={"base_url": job["base_url"], "api_key": KEY, **RETRIES}, model_id=MODEL)
    specs = [
        {"name": n, "description": n, "inputSchema": {"json": tool_schema()}} for n in job.get("tools") or []
    ] or None
    last = None
    async for ev in process_stream(m.stream([{"role": "user", "content": [{"text": PROMPT}]}], specs)):
        out["n_chunks"] += 1
        if isinstance(ev, dict) and isinstance(ev.get("data"), str):
            out["text"] += ev["data"]
        last = ev
    stop_reason, message, usage = last["stop"][0], last["stop"][1], last["stop"][2]
    out["text"] = "".join(b["text"] for b in message["content"] if "text" in b)
    out["reasoning"] = "".join(
        b["reasoningContent"].get("reasoningText", {}).get("text", "")
        for b in message["content"]
        if "reasoningContent" in b
    )
    out["tool_calls"] = [
        {"id": b["toolUse"]["toolUseId"], "name": b["toolUse"]["name"], "arguments": as_args(b["toolUse"]["input"])}
        for b in message["content"]
        if "toolUse" in b
    ]
    out["finish_reason"] = stop_reason
    out["usage"] = {
        "prompt_tokens": usage.get("inputTokens") or None,
        "completion_tokens": usage.get("outputTokens") or None,
        "total_tokens": usage.get("totalTokens") or None,
    }


def run(job, out):
    asyncio.run(go(job, out))


if __name__ == "__main__":
    main(
        "py-strands", ["strands-agents", "openai"], run, warm=["strands.models.openai", "strands.event_loop.streaming"]
    )
