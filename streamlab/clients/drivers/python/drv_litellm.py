"""litellm.completion(openai/...) stream=True, then stream_chunk_builder."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "ERROR"
import json

from common import KEY, MODEL, PROMPT, RETRIES, as_args, jsonable, main, openai_tools


def run(job, out):
    import litellm

    litellm.telemetry = False
    kw = {"tools": openai_tools(job["tools"])} if job.get("tools") else {}
    msgs = [{"role": "user", "content": PROMPT}]
    chunks = []
    for ch in litellm.completion(
        model="openai/" + MODEL,
        api_base=job["base_url"],
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
    main("py-litellm", ["litellm", "openai"], run, warm=["litellm"])
