"""simonw llm: an OpenAI-compatible Chat model (what extra-openai-models.yaml / api_base creates), response streamed."""

import os
import tempfile

os.environ.setdefault("LLM_USER_PATH", tempfile.mkdtemp(prefix="llm-user-"))
from common import KEY, MODEL, PROMPT, as_args, main, tool_schema


def run(job, out):
    import llm
    from llm.default_plugins.openai_models import Chat

    m = Chat(model_id=MODEL, model_name=MODEL, api_base=job["base_url"], supports_tools=True)
    m.needs_key = None
    kw = (
        {"tools": [llm.Tool(name=n, description=n, input_schema=tool_schema()) for n in job["tools"]]}
        if job.get("tools")
        else {}
    )
    r = m.prompt(PROMPT, stream=True, key=KEY, **kw)
    for _ in r:
        out["n_chunks"] += 1
    out["text"] = r.text()
    out["tool_calls"] = [
        {"id": t.tool_call_id, "name": t.name, "arguments": as_args(t.arguments)} for t in r.tool_calls()
    ]
    out["finish_reason"] = (r.response_json or {}).get("finish_reason")
    u = r.usage()
    out["usage"] = {"prompt_tokens": u.input, "completion_tokens": u.output}


if __name__ == "__main__":
    main("py-llm", ["llm", "openai"], run, warm=["llm", "llm.default_plugins.openai_models"])
