"""langchain-openai ChatOpenAI.stream(), chunks added together as documented; ``--completions``: OpenAI.stream()."""

import sys

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, openai_tools

COMPLETIONS = "--completions" in sys.argv


def completions(job, out):
    """Their class for legacy completions hands out the text alone."""
    from langchain_openai import OpenAI

    for piece in OpenAI(model=MODEL, base_url=job["base_url"], api_key=KEY, **RETRIES).stream(PROMPT):
        out["n_chunks"] += 1
        out["text"] += piece


def run(job, out):
    if COMPLETIONS:
        completions(job, out)
        return
    from langchain_openai import ChatOpenAI

    kw = {"use_responses_api": True} if job.get("api") == "responses" else {}
    llm = ChatOpenAI(model=MODEL, base_url=job["base_url"], api_key=KEY, **RETRIES, stream_usage=True, **kw)
    if job.get("tools"):
        llm = llm.bind_tools(openai_tools(job))
    full = None

    def snap():
        t = full.text
        out["text"] = t if isinstance(t, str) else t()
        out["reasoning"] = (full.additional_kwargs or {}).get("reasoning_content") or ""
        calls = [{"id": c["id"], "name": c["name"], "arguments": as_args(c["args"])} for c in full.tool_calls]
        calls += [
            {"id": c["id"], "name": c["name"], "arguments": as_args(c["args"]), "invalid": True}
            for c in full.invalid_tool_calls
        ]
        out["tool_calls"] = calls
        out["finish_reason"] = full.response_metadata.get("finish_reason") or full.response_metadata.get("status")
        out["usage"] = full.usage_metadata

    for ch in llm.stream(PROMPT):
        out["n_chunks"] += 1
        full = ch if full is None else full + ch
        snap()


if __name__ == "__main__":
    main(
        "py-langchain-completions" if COMPLETIONS else "py-langchain",
        ["langchain-openai", "langchain-core", "openai"],
        run,
        apis=("completions",) if COMPLETIONS else ("chat", "responses"),
        warm=["langchain_openai"],
    )
