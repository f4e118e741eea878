"""smolagents OpenAIModel.generate_stream + agglomerate_stream_deltas (what its agents use)."""

from common import KEY, MODEL, PROMPT, RETRIES, as_args, main


def run(job, out):
    from smolagents import OpenAIModel, Tool
    from smolagents.models import agglomerate_stream_deltas

    m = OpenAIModel(model_id=MODEL, api_base=job["base_url"], api_key=KEY, client_kwargs=RETRIES)
    tools = []
    for n in job.get("tools") or []:
        cls = type(
            "T_" + n,
            (Tool,),
            {
                "name": n,
                "description": n,
                "inputs": {},
                "output_type": "string",
                "forward": lambda self: "",
                "skip_forward_signature_validation": True,
            },
        )
        tools.append(cls())
    ds = []
    kw = {"tools_to_call_from": tools} if tools else {}
    for d in m.generate_stream([{"role": "user", "content": [{"type": "text", "text": PROMPT}]}], **kw):
        out["n_chunks"] += 1
        ds.append(d)
    msg = agglomerate_stream_deltas(ds)
    out["text"] = msg.content
    out["tool_calls"] = [
        {"id": t.id, "name": t.function.name, "arguments": as_args(t.function.arguments)} for t in msg.tool_calls or []
    ]
    u = msg.token_usage
    out["usage"] = (
        {"prompt_tokens": u.input_tokens or None, "completion_tokens": u.output_tokens or None} if u else None
    )


if __name__ == "__main__":
    main("py-smolagents", ["smolagents", "openai"], run, warm=["smolagents"])
