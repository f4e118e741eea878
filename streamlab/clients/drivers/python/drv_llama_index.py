"""llama-index OpenAILike.stream_chat; OpenAIResponses for Responses; ``--anthropic``: Anthropic for Messages."""

import sys

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main

ANTHROPIC = "--anthropic" in sys.argv


def messages(job):
    """Their class for Messages looks a model up as well."""
    from llama_index.llms.anthropic import Anthropic

    base = job["base_url"].removesuffix("/v1")
    return Anthropic(model="claude-sonnet-4-5", base_url=base, api_key=KEY, max_tokens=1024, **RETRIES, timeout=60.0)


def responses(job):
    """Their class for Responses looks a model up among OpenAI's own."""
    from llama_index.llms.openai import OpenAIResponses

    return OpenAIResponses(model="gpt-4o", api_base=job["base_url"], api_key=KEY, **RETRIES, timeout=60.0)


def chat(job):
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(
        model=MODEL,
        api_base=job["base_url"],
        api_key=KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        **RETRIES,
        strict=bool(job.get("strict")),
        timeout=60.0,
    )


def run(job, out):
    from llama_index.core.llms import ChatMessage
    from llama_index.core.tools import FunctionTool

    llm = messages(job) if ANTHROPIC else responses(job) if job["api"] == "responses" else chat(job)
    msgs = [ChatMessage(role="user", content=PROMPT)]
    if job.get("tools"):

        def mk(n):
            def f(location: str = "", timezone: str = "", unit: str = "") -> str:
                return ""

            return FunctionTool.from_defaults(fn=f, name=n, description=n)

        gen = llm.stream_chat_with_tools([mk(n) for n in job["tools"]], chat_history=msgs)
    else:
        gen = llm.stream_chat(msgs)
    last = None
    fin = None
    for r in gen:
        out["n_chunks"] += 1
        last = r
        out["text"] = r.message.content or ""
        raw = r.raw
        ch = getattr(raw, "choices", None)
        if ch and ch[0].finish_reason:
            fin = ch[0].finish_reason
        out["finish_reason"] = fin
        if getattr(raw, "usage", None):
            out["usage"] = raw.usage
        th = [b for b in r.message.blocks if type(b).__name__ == "ThinkingBlock"]
        if th:
            out["reasoning"] = "".join(b.content or "" for b in th)
        tcs = r.message.additional_kwargs.get("tool_calls") or []
        blocks = [b for b in r.message.blocks if type(b).__name__ == "ToolCallBlock"]
        if blocks:
            out["tool_calls"] = [
                {"id": b.tool_call_id, "name": b.tool_name, "arguments": as_args(b.tool_kwargs)} for b in blocks
            ]
        elif tcs:
            out["tool_calls"] = [
                {"id": t.id, "name": t.function.name, "arguments": as_args(t.function.arguments)} for t in tcs
            ]
    if job.get("tools") and last is not None:
        # the documented way to read them
        sel = llm.get_tool_calls_from_response(last, error_on_no_tool_call=False)
        out["tool_calls"] = [{"id": s.tool_id, "name": s.tool_name, "arguments": as_args(s.tool_kwargs)} for s in sel]


if __name__ == "__main__":
    if ANTHROPIC:
        packages, apis, warm = ["llama-index-llms-anthropic", "anthropic"], ("messages",), "llama_index.llms.anthropic"
    else:
        packages = ["llama-index-llms-openai-like", "llama-index-llms-openai", "openai"]
        apis, warm = ("chat", "responses"), "llama_index.llms.openai_like"
    main("py-llama-index-anthropic" if ANTHROPIC else "py-llama-index", packages, run, apis=apis, warm=[warm])
