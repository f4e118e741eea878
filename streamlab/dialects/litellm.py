"""LiteLLM proxy: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

DIALECT = Dialect(
    name="litellm",
    title="LiteLLM proxy",
    signs=(
        Sign(Kind.HEADER, "x-litellm-*", 12),
        Sign(Kind.CHUNK_KEY, "stream_options", 6),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 2),
        Sign(Kind.ORDER, "id,created,model,object,choices", 3),
        Sign(Kind.DELTA_KEY, "provider_specific_fields", 4),
    ),
    deviations=(
        "finish-reason-key-absent",
        "role-missing",
        "unknown-extension-fields",
    ),
    reported=(
        "chunk-id-changes",
        "empty-200",
        "error-then-no-done",
        "gateway-masks-truncation",
        "responses-error-event-shape",
        "responses-terminal-missing",
        "silent-empty-success",
        "sse-comment-keepalive",
        "tool-call-args-before-name",
        "tool-call-finish-stop",
        "tool-call-function-missing",
        "tool-call-index-offset",
        "truncated-chunked-body",
    ),
    evidence="2 streams recorded by others, 2 recognised without the host.",
    outer=True,
)
