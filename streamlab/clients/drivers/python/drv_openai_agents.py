"""openai-agents: Runner.run_streamed over OpenAIChatCompletionsModel or OpenAIResponsesModel; the agent stops on the
first tool."""

import asyncio
import os

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema


async def go(job, out):
    from agents import Agent, FunctionTool, Runner, set_tracing_disabled
    from agents import OpenAIChatCompletionsModel as Chat
    from agents import OpenAIResponsesModel as Responses
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    oc = AsyncOpenAI(base_url=job["base_url"], api_key=KEY, **RETRIES)

    async def inv(ctx, args):
        return "done"

    tools = [
        FunctionTool(
            name=n,
            description=n,
            params_json_schema=tool_schema(True),
            on_invoke_tool=inv,
            strict_json_schema=n in job.get("strict", ()),
        )
        for n in job.get("tools") or []
    ]
    ag = Agent(
        name="a",
        instructions="x",
        model=(Responses if job["api"] == "responses" else Chat)(model=MODEL, openai_client=oc),
        tools=tools,
        tool_use_behavior="stop_on_first_tool",
    )
    r = Runner.run_streamed(ag, PROMPT)
    async for ev in r.stream_events():
        if ev.type == "raw_response_event":
            out["n_chunks"] += 1
            if ev.data.type == "response.output_text.delta":
                out["text"] += ev.data.delta
            elif ev.data.type in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
                out["reasoning"] += ev.data.delta
    resp = r.raw_responses[-1]
    text, calls = "", []
    for it in resp.output:
        if it.type == "message":
            text += "".join(getattr(p, "text", "") or "" for p in it.content)
        elif it.type == "function_call":
            calls.append({"id": it.call_id, "name": it.name, "arguments": as_args(it.arguments)})
    out["text"], out["tool_calls"] = text, calls
    u = resp.usage
    out["usage"] = {
        "prompt_tokens": u.input_tokens or None,
        "completion_tokens": u.output_tokens or None,
        "total_tokens": u.total_tokens or None,
    }
    out["extra"] = {"final_output": str(r.final_output)[:200]}


def run(job, out):
    asyncio.run(go(job, out))


if __name__ == "__main__":
    main("py-openai-agents", ["openai-agents", "openai"], run, apis=("chat", "responses"), warm=["agents"])
