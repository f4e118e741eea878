"""agno Agent.run(stream=True) over OpenAILike; tools run outside, so that the run pauses and does not ask again."""

import os

os.environ["AGNO_TELEMETRY"] = "false"
from common import KEY, MODEL, PROMPT, RETRIES, ClientReported, as_args, main, tool_schema


def run(job, out):
    from agno.agent import Agent
    from agno.models.openai.like import OpenAILike
    from agno.tools.function import Function

    m = OpenAILike(id=MODEL, base_url=job["base_url"], api_key=KEY, **RETRIES)
    tools = [
        Function(
            name=n,
            description=n,
            parameters=tool_schema(),
            entrypoint=lambda **k: "",
            external_execution=True,
            skip_entrypoint_processing=True,
            strict=n in job.get("strict", ()) or None,
        )
        for n in job.get("tools") or []
    ]
    ag = Agent(model=m, telemetry=False, **({"tools": tools} if tools else {}))
    last = None
    err = None
    for ev in ag.run(PROMPT, stream=True, stream_events=True, yield_run_output=True):
        nm = type(ev).__name__
        if nm == "RunContentEvent":
            out["n_chunks"] += 1
            if isinstance(ev.content, str):
                out["text"] += ev.content
            if getattr(ev, "reasoning_content", None):
                out["reasoning"] += ev.reasoning_content
        elif nm == "RunErrorEvent":
            err = ev
        elif nm == "RunOutput":
            last = ev
    if err is not None:
        raise ClientReported("agno RunErrorEvent: " + str(getattr(err, "content", err)))
    if last is not None:
        am = [x for x in last.messages or [] if x.role == "assistant"]
        if am:
            a = am[-1]
            out["text"] = a.content if isinstance(a.content, str) else (a.content or "")
            out["reasoning"] = a.reasoning_content or ""
            out["tool_calls"] = [
                {
                    "id": t.get("id"),
                    "name": (t.get("function") or {}).get("name"),
                    "arguments": as_args((t.get("function") or {}).get("arguments")),
                }
                for t in a.tool_calls or []
            ]
        mt = last.metrics
        if mt is not None:
            out["usage"] = {
                "prompt_tokens": mt.input_tokens or None,
                "completion_tokens": mt.output_tokens or None,
                "total_tokens": mt.total_tokens or None,
            }


if __name__ == "__main__":
    main("py-agno", ["agno", "openai"], run, warm=["agno.agent", "agno.models.openai.like", "agno.tools.function"])
