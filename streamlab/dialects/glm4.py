"""GLM-4 basic_demo server: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="glm4",
    title="GLM-4 basic_demo server",
    signs=(
        Sign(Kind.ORDER, "model,id,object,choices", 5),
        Sign(Kind.TRAIT, Trait.NULL_FUNCTION_CALL, 3),
        Sign(Kind.TRAIT, Trait.CRLF, 2),
        Sign(Kind.HEADER, "server=uvicorn", 1),
        Sign(Kind.MODEL, "glm-?4.*", 4),
    ),
    deviations=(
        "chunk-id-missing-or-empty",
        "content-null-placeholder",
        "created-wrong-type",
        "done-missing",
        "empty-200",
        "empty-tool-calls-array",
        "finish-reason-missing",
        "finish-reason-on-content-chunk",
        "plain-text-in-data",
        "role-empty-or-null",
        "role-every-chunk",
        "sse-line-endings",
        "tool-call-id-empty-continuation",
        "tool-call-id-unstable",
        "tool-call-name-empty-continuation",
        "tool-call-type-missing",
        "truncated-chunked-body",
    ),
    reported=(
        "buffered-not-streamed-tools",
        "content-holds-done-marker",
        "content-is-nested-chunk",
        "http-error-body-shape",
        "role-missing",
        "sse-json-split-across-events",
    ),
    evidence="19 streams recorded from the real server, 14 recognised without the host.",
)
