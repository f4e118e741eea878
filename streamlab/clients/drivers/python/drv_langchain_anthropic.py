"""langchain-anthropic ChatAnthropic.stream(), chunks added together as documented."""

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, tool_schema


def run(job, out):
    from langchain_anthropic import ChatAnthropic

    llm = ChatAnthropic(
        model=MODEL, base_url=job["base_url"].removesuffix("/v1"), api_key=KEY, max_tokens=1024, **RETRIES
    )
    if job.get("tools"):
        llm = llm.bind_tools([{"name": one, "description": one, "input_schema": tool_schema()} for one in job["tools"]])
    full = None
    for chunk in llm.stream(PROMPT):
        out["n_chunks"] += 1
        full = chunk if full is None else full + chunk
        out["text"] = full.text if isinstance(full.text, str) else full.text()
        blocks = full.content if isinstance(full.content, list) else []
        out["reasoning"] = "".join(one.get("thinking") or "" for one in blocks if isinstance(one, dict))
        calls = [(one, False) for one in full.tool_calls] + [(one, True) for one in full.invalid_tool_calls]
        out["tool_calls"] = [
            {
                "id": one["id"],
                "name": one["name"],
                "arguments": as_args(one["args"]),
                **({"invalid": True} if bad else {}),
            }
            for one, bad in calls
        ]
        out["finish_reason"] = full.response_metadata.get("stop_reason")
        out["usage"] = full.usage_metadata


if __name__ == "__main__":
    main(
        "py-langchain-anthropic",
        ["langchain-anthropic", "langchain-core", "anthropic"],
        run,
        apis=("messages",),
        warm=["langchain_anthropic"],
    )
