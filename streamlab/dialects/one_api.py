"""one-api: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="one-api",
    title="one-api",
    signs=(
        Sign(Kind.HEADER, "x-oneapi-request-id", 10),
        Sign(Kind.HEADER, "x-oneapi-version", 10),
        Sign(Kind.MODEL, "gemini", 6),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{32}", 2),
        Sign(Kind.TRAIT, Trait.IDS_CHANGE, 4),
    ),
    deviations=(
        "chunk-id-changes",
        "chunk-id-missing-or-empty",
        "chunk-id-not-unique",
        "created-wrong-type",
        "done-missing",
        "empty-200",
        "empty-tool-calls-array",
        "error-code-shape",
        "finish-reason-key-absent",
        "finish-reason-missing",
        "finish-reason-unknown-value",
        "gateway-masks-truncation",
        "http-status-200-on-error",
        "plain-text-in-data",
        "role-every-chunk",
        "role-missing",
        "sse-empty-data-event",
        "usage-unrequested",
    ),
    reported=(
        "anti-buffering-headers-missing",
        "choice-index-missing",
        "done-duplicate-or-early",
        "finish-reason-every-chunk",
        "finish-reason-on-content-chunk",
        "full-message-repeated",
        "nonstream-json-for-stream",
        "only-done",
    ),
    evidence="47 streams recorded from the real server, 47 recognised without the host.",
    outer=True,
)
