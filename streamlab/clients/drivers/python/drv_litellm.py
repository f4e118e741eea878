"""litellm.completion(openai/... or anthropic/...) stream=True, then stream_chunk_builder; litellm.responses() for
Responses."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "ERROR"
import json

from common import KEY, MODEL, PROMPT, RETRIES, as_args, jsonable, main, openai_tools


def responses(job, out):
    """Of a model that it does not know LiteLLM takes the stream for one answer."""
    import litellm

    for ev in litellm.responses(
        model="openai/gpt-4o", api_base=job["base_url"], api_key=KEY, input=PROMPT, stream=True, **RETRIES
    ):
        out["n_chunks"] += 1
        kind = str(getattr(ev.type, "value", ev.type))
        if kind == "response.output_text.delta":
            out["text"] += ev.delta
        elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            out["reasoning"] += ev.delta
        elif kind == "response.output_item.done":
            item = ev.item if isinstance(ev.item, dict) else ev.item.model_dump()
            if item["type"] == "function_call":
                out["tool_calls"].append({"id": item["call_id"], "name": item["name"], "arguments": item["arguments"]})
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            out["finish_reason"] = ev.response.status
            out["usage"] = ev.response.usage


def run(job, out):
    import litellm

    litellm.telemetry = False
    if job["api"] == "responses":
        responses(job, out)
        return
    vendor, base = "openai/", job["base_url"]
    if job["api"] == "messages":
        vendor, base = "anthropic/", job["base_url"].removesuffix("/v1")
    kw = {"tools": openai_tools(job)} if job.get("tools") else {}
    msgs = [{"role": "user", "content": PROMPT}]
    chunks = []
    for ch in litellm.completion(
        model=vendor + MODEL,
        api_base=base,
        api_key=KEY,
        messages=msgs,
        stream=True,
        stream_options={"include_usage": True},
        **RETRIES,
        **kw,
    ):
        out["n_chunks"] += 1
        chunks.append(ch)
        if ch.choices and ch.choices[0].delta.content:
            out["text"] += ch.choices[0].delta.content
    r = litellm.stream_chunk_builder(chunks, messages=msgs)
    m = r.choices[0].message
    out["text"] = m.content
    out["reasoning"] = getattr(m, "reasoning_content", None) or ""
    out["tool_calls"] = [
        {"id": t.id, "name": t.function.name, "arguments": as_args(t.function.arguments)} for t in m.tool_calls or []
    ]
    fc = getattr(m, "function_call", None)
    if fc:
        out["extra"] = {"function_call": jsonable(fc.model_dump() if hasattr(fc, "model_dump") else fc)}
    out["finish_reason"] = r.choices[0].finish_reason
    out["usage"] = getattr(r, "usage", None)
    for t in m.tool_calls or []:  # documented next step of every tool loop
        json.loads(t.function.arguments)


if __name__ == "__main__":
    main("py-litellm", ["litellm", "openai"], run, apis=("chat", "messages", "responses"), warm=["litellm"])
