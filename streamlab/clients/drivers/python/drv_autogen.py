"""autogen-ext OpenAIChatCompletionClient.create_stream."""

import asyncio

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema


async def go(job, out):
    from autogen_core.models import UserMessage
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    c = OpenAIChatCompletionClient(
        model=MODEL,
        base_url=job["base_url"],
        api_key=KEY,
        **RETRIES,
        model_info={
            "vision": False,
            "function_calling": True,
            "json_output": False,
            "family": "unknown",
            "structured_output": False,
        },
    )
    strict = job.get("strict") or ()
    tools = [
        {"name": n, "description": n, "parameters": tool_schema(n in strict), "strict": n in strict}
        for n in job.get("tools") or []
    ]
    r = None
    async for x in c.create_stream([UserMessage(content=PROMPT, source="user")], tools=tools, include_usage=True):
        out["n_chunks"] += 1
        if isinstance(x, str):
            out["text"] += x
        else:
            r = x
    if isinstance(r.content, str):
        out["text"] = r.content
    else:
        out["tool_calls"] = [{"id": f.id, "name": f.name, "arguments": as_args(f.arguments)} for f in r.content]
    out["reasoning"] = r.thought or ""
    out["finish_reason"] = r.finish_reason
    out["usage"] = {
        "prompt_tokens": r.usage.prompt_tokens or None,
        "completion_tokens": r.usage.completion_tokens or None,
    }
    await c.close()


def run(job, out):
    asyncio.run(go(job, out))


if __name__ == "__main__":
    main("py-autogen", ["autogen-ext", "openai"], run, warm=["autogen_ext.models.openai"])
