"""openai-python, client.chat.completions.stream() helper (strict accumulator); responses.stream() for /v1/responses."""

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main, openai_tools, responses_tools


def run(job, out):
    import openai

    c = openai.OpenAI(base_url=job["base_url"], api_key=KEY, **RETRIES)
    if job.get("api") == "responses":
        kw = {"tools": responses_tools(job)} if job.get("strict") else {}
        with c.responses.stream(model=MODEL, input=PROMPT, **kw) as s:
            for ev in s:
                out["n_chunks"] += 1
                if ev.type == "response.output_text.delta":
                    out["text"] += ev.delta
            r = s.get_final_response()
        out["text"] = r.output_text
        out["finish_reason"] = r.status
        out["usage"] = r.usage
        out["tool_calls"] = [
            {"id": i.call_id, "name": i.name, "arguments": i.arguments} for i in r.output if i.type == "function_call"
        ]
        return
    kw = {"tools": openai_tools(job)} if job.get("tools") else {}
    cc = c.chat.completions if hasattr(c.chat.completions, "stream") else c.beta.chat.completions
    with cc.stream(model=MODEL, messages=[{"role": "user", "content": PROMPT}], **kw) as s:
        for ev in s:
            if ev.type == "chunk":
                out["n_chunks"] += 1
            elif ev.type == "content.delta":
                out["text"] = ev.snapshot
        r = s.get_final_completion()
    m = r.choices[0].message
    out["text"] = m.content
    extra = m.model_extra or {}
    out["reasoning"] = extra.get("reasoning_content") or extra.get("reasoning") or ""
    out["tool_calls"] = [
        {"id": t.id, "name": t.function.name, "arguments": as_args(t.function.arguments)} for t in m.tool_calls or []
    ]
    out["finish_reason"] = r.choices[0].finish_reason
    out["usage"] = r.usage


if __name__ == "__main__":
    main("py-openai-stream", "openai", run, apis=("chat", "responses"), warm=["openai"])
