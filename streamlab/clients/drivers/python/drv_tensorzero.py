"""TensorZero embedded gateway (Rust, its own HTTP + SSE + chunk types) with an OpenAI-compatible model provider."""

import os
import tempfile

from common import PROMPT, main, tool_schema


def run(job, out):
    from tensorzero import TensorZeroGateway

    d = tempfile.mkdtemp(prefix="t0-")
    cfg = os.path.join(d, "tensorzero.toml")
    with open(cfg, "w") as f:
        f.write(
            '[gateway]\nobservability.enabled = false\n\n[models.m]\nrouting = ["r"]\n\n'
            '[models.m.providers.r]\ntype = "openai"\nmodel_name = "replay-model"\n'
            f'api_base = "{job["base_url"]}/"\napi_key_location = "none"\n'
        )
    with TensorZeroGateway.build_embedded(config_file=cfg) as g:
        kw = {}
        if job.get("tools"):
            kw["additional_tools"] = [
                {
                    "type": "function",
                    "name": n,
                    "description": n,
                    "parameters": tool_schema(n in job.get("strict", ())),
                    "strict": n in job.get("strict", ()),
                }
                for n in job["tools"]
            ]
            kw["parallel_tool_calls"] = True
        calls = {}
        for ch in g.inference(
            model_name="m", input={"messages": [{"role": "user", "content": PROMPT}]}, stream=True, **kw
        ):
            out["n_chunks"] += 1
            for b in ch.content:
                if b.type == "text":
                    out["text"] += b.text
                elif b.type == "thought":
                    out["reasoning"] += b.text or ""
                elif b.type == "tool_call":
                    c = calls.setdefault(b.id, {"id": b.id, "name": "", "arguments": ""})
                    c["name"] += b.raw_name or ""
                    c["arguments"] += b.raw_arguments or ""
            out["tool_calls"] = list(calls.values())
            if ch.usage:
                out["usage"] = {
                    "prompt_tokens": ch.usage.input_tokens or None,
                    "completion_tokens": ch.usage.output_tokens or None,
                }
            if ch.finish_reason:
                out["finish_reason"] = str(getattr(ch.finish_reason, "value", ch.finish_reason))


if __name__ == "__main__":
    main("rs-tensorzero", "tensorzero", run, warm=["tensorzero"])
