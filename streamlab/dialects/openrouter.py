"""OpenRouter: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="openrouter",
    title="OpenRouter",
    signs=(
        *host("openrouter.ai"),
        Sign(Kind.CHOICE_KEY, "native_finish_reason", 5),
        Sign(Kind.CHUNK_KEY, "provider", 7),
        Sign(Kind.COMMENT, "OPENROUTER PROCESSING", 12),
        Sign(Kind.ID, "gen-[0-9]{10}-[A-Za-z0-9]{20}", 4),
        Sign(Kind.USAGE_KEY, "is_byok", 3),
        Sign(Kind.USAGE_KEY, "cost_details", 2),
    ),
    deviations=(
        "finish-reason-on-content-chunk",
        "finish-reason-repeated",
        "reasoning-field-variants",
        "role-every-chunk",
        "sse-comment-keepalive",
        "tool-call-arguments-null",
        "tool-call-id-empty-continuation",
        "tool-call-type-missing",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    reported=(
        "error-code-shape",
        "error-midstream-standard",
        "finish-reason-unknown-value",
        "silent-empty-success",
    ),
    evidence="41 streams recorded by others, 41 recognised without the host.",
    outer=True,
)
