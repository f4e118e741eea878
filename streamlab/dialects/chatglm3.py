"""ChatGLM3 openai_api_demo server: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="chatglm3",
    title="ChatGLM3 openai_api_demo server",
    signs=(
        Sign(Kind.ORDER, "model,id,object,choices", 5),
        Sign(Kind.TRAIT, Trait.NULL_FUNCTION_CALL, 3),
        Sign(Kind.TRAIT, Trait.CRLF, 2),
        Sign(Kind.HEADER, "server=uvicorn", 1),
        Sign(Kind.MODEL, "chatglm.*", 4),
    ),
    deviations=(
        "chunk-id-missing-or-empty",
        "created-wrong-type",
        "done-missing",
        "empty-200",
        "empty-tool-calls-array",
        "finish-reason-missing",
        "plain-text-in-data",
        "role-every-chunk",
        "sse-line-endings",
    ),
    reported=("tool-call-legacy-function-call",),
    evidence="8 streams recorded from the real server, 5 recognised without the host.",
)
