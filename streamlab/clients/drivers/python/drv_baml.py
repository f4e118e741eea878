"""BAML (Rust runtime, its own HTTP, SSE and chunk types), openai-generic provider, a function that streams text."""

import os
import sys

os.environ.setdefault("BAML_LOG", "off")
sys.path.insert(0, sys.prefix)  # where the environment was made, its generated client lies
from common import KEY, MODEL, PROMPT, main


def run(job, out):
    from baml_client.sync_client import b
    from baml_py import ClientRegistry, Collector

    cr = ClientRegistry()
    cr.add_llm_client("R", "openai-generic", {"base_url": job["base_url"], "model": MODEL, "api_key": KEY})
    cr.set_primary("R")
    col = Collector(name="c")
    s = b.stream.Ask(PROMPT, baml_options={"client_registry": cr, "collector": col})
    for p in s:
        out["n_chunks"] += 1
        if isinstance(p, str):
            out["text"] = p
    out["text"] = s.get_final_response()
    u = col.usage
    out["usage"] = (
        {"prompt_tokens": u.input_tokens, "completion_tokens": u.output_tokens}
        if u and (u.input_tokens or u.output_tokens)
        else None
    )


if __name__ == "__main__":
    main("rs-baml", "baml-py", run, warm=["baml_py"], tools=False)
