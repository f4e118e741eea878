"""huggingface_hub InferenceClient.chat_completion(stream=True): its own SSE parser and dataclasses."""

import json

from common import PROMPT, as_args, main, openai_tools


def run(job, out):
    from huggingface_hub import InferenceClient

    c = InferenceClient(base_url=job["base_url"], api_key="hf_replay")
    kw = {"tools": openai_tools(job)} if job.get("tools") else {}
    calls = {}
    for chunk in c.chat_completion(
        [{"role": "user", "content": PROMPT}], stream=True, stream_options={"include_usage": True}, **kw
    ):
        out["n_chunks"] += 1
        if chunk.usage:
            out["usage"] = chunk.usage if isinstance(chunk.usage, dict) else dict(chunk.usage)
        if not chunk.choices:
            continue
        ch = chunk.choices[0]
        d = ch.delta
        if d.content is not None:
            out["text"] += d.content
        r = getattr(d, "reasoning", None) or d.get("reasoning_content") if isinstance(d, dict) else None
        if r:
            out["reasoning"] += r
        for tc in d.tool_calls or []:
            i = tc.index
            if i not in calls:
                calls[i] = {"id": tc.id, "name": tc.function.name, "arguments": tc.function.arguments}
            else:
                calls[i]["arguments"] += tc.function.arguments
            out["tool_calls"] = [dict(c, arguments=as_args(c["arguments"])) for c in calls.values()]
        if ch.finish_reason:
            out["finish_reason"] = ch.finish_reason
    for c in calls.values():  # documented next step of every tool loop
        json.loads(c["arguments"])


if __name__ == "__main__":
    main("py-hf-hub", "huggingface_hub", run, warm=["huggingface_hub"])
