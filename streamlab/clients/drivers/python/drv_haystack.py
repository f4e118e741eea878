"""Haystack OpenAIChatGenerator with a streaming callback."""

import os

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema


def run(job, out):
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.tools import Tool
    from haystack.utils import Secret

    def cb(ch):
        out["n_chunks"] += 1

    tools = [
        Tool(name=n, description=n, parameters=tool_schema(), function=lambda **k: "") for n in job.get("tools") or []
    ]
    g = OpenAIChatGenerator(
        api_key=Secret.from_token(KEY),
        model=MODEL,
        api_base_url=job["base_url"],
        streaming_callback=cb,
        **RETRIES,
        **({"tools": tools, "tools_strict": bool(job.get("strict"))} if tools else {}),
    )
    r = g.run([ChatMessage.from_user(PROMPT)])["replies"][0]
    out["text"] = r.text or ""
    rs = getattr(r, "reasoning", None)
    out["reasoning"] = (rs.reasoning_text if rs is not None and hasattr(rs, "reasoning_text") else rs) or ""
    out["tool_calls"] = [{"id": t.id, "name": t.tool_name, "arguments": as_args(t.arguments)} for t in r.tool_calls]
    out["finish_reason"] = r.meta.get("finish_reason")
    out["usage"] = r.meta.get("usage") or None


if __name__ == "__main__":
    main("py-haystack", ["haystack-ai", "openai"], run, warm=["haystack.components.generators.chat"])
