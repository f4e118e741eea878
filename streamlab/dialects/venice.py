"""Venice: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="venice",
    title="Venice",
    signs=(
        *host("api.venice.ai"),
        Sign(Kind.CHUNK_KEY, "cost", 5),
        Sign(Kind.DELTA_KEY, "reasoning_encrypted", 5),
        Sign(Kind.HEADER, "x-venice-*", 12),
    ),
    deviations=(
        "content-null-placeholder",
        "empty-tool-calls-array",
        "finish-reason-on-content-chunk",
        "reasoning-field-variants",
        "role-empty-or-null",
        "role-every-chunk",
        "tool-call-name-empty-continuation",
        "tool-call-type-missing",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="10 streams recorded by others, 0 recognised without the host.",
)
