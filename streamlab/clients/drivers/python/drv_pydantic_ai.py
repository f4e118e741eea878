"""pydantic-ai, Agent.run_stream with external tools, as an application sees it, over chat completions or Responses;
``--direct``: the model layer alone; ``--anthropic``: over the Messages API."""

import asyncio
import sys

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema

DIRECT, ANTHROPIC = "--direct" in sys.argv, "--anthropic" in sys.argv


def fill(resp, out):
    from pydantic_ai.messages import TextPart, ThinkingPart, ToolCallPart

    out["text"] = "".join(p.content for p in resp.parts if isinstance(p, TextPart))
    out["reasoning"] = "".join(p.content or "" for p in resp.parts if isinstance(p, ThinkingPart))
    out["tool_calls"] = [
        {"id": p.tool_call_id, "name": p.tool_name, "arguments": as_args(p.args)}
        for p in resp.parts
        if isinstance(p, ToolCallPart)
    ]
    out["finish_reason"] = resp.finish_reason
    out["usage"] = {
        "prompt_tokens": resp.usage.input_tokens or None,
        "completion_tokens": resp.usage.output_tokens or None,
    }


def model_of(job):
    if ANTHROPIC:
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = AsyncAnthropic(base_url=job["base_url"].removesuffix("/v1"), api_key=KEY, **RETRIES)
        return AnthropicModel(MODEL, provider=AnthropicProvider(anthropic_client=client))
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIResponsesModel if job["api"] == "responses" else OpenAIChatModel
    client = AsyncOpenAI(base_url=job["base_url"], api_key=KEY, **RETRIES)
    return kind(MODEL, provider=OpenAIProvider(openai_client=client))


async def go(job, out):
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelRequest, ModelResponse
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    model = model_of(job)
    strict = job.get("strict") or ()
    defs = [
        ToolDefinition(
            name=n, description=n, parameters_json_schema=tool_schema(n in strict), strict=n in strict or None
        )
        for n in job.get("tools") or []
    ]
    if DIRECT:
        from pydantic_ai.direct import model_request_stream

        async with model_request_stream(
            model,
            [ModelRequest.user_text_prompt(PROMPT)],
            model_request_parameters=ModelRequestParameters(function_tools=defs, allow_text_output=True),
        ) as s:
            try:
                async for _ in s:
                    out["n_chunks"] += 1
            finally:
                try:
                    fill(s.response if hasattr(s, "response") and not callable(s.response) else s.get(), out)
                except Exception:
                    pass
        return
    from pydantic_ai import DeferredToolRequests
    from pydantic_ai.toolsets import ExternalToolset

    kw = {"toolsets": [ExternalToolset(defs)], "output_type": [str, DeferredToolRequests]} if defs else {}
    agent = Agent(model, **kw)
    async with agent.run_stream(PROMPT) as r:
        try:
            if defs:
                async for _ in r.stream_output(debounce_by=None):
                    out["n_chunks"] += 1
            else:
                async for d in r.stream_text(delta=True, debounce_by=None):
                    out["n_chunks"] += 1
                    out["text"] += d
            await r.get_output()
        finally:
            last = [m for m in r.all_messages() if isinstance(m, ModelResponse)]
            if last:
                fill(last[-1], out)


def run(job, out):
    asyncio.run(go(job, out))


if __name__ == "__main__":
    vendor = "anthropic" if ANTHROPIC else "openai"
    main(
        "py-pydantic-ai-anthropic" if ANTHROPIC else "py-pydantic-ai-direct" if DIRECT else "py-pydantic-ai",
        ["pydantic-ai-slim", vendor],
        run,
        apis=("messages",) if ANTHROPIC else ("chat", "responses"),
        warm=["pydantic_ai", f"pydantic_ai.models.{vendor}", f"pydantic_ai.providers.{vendor}"],
    )
