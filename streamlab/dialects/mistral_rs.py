"""mistral.rs: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

DIALECT = Dialect(
    name="mistral.rs",
    title="mistral.rs",
    signs=(
        Sign(Kind.USAGE_KEY, "avg_tok_per_sec", 8),
        Sign(Kind.USAGE_KEY, "total_completion_time_sec", 6),
        Sign(Kind.FINGERPRINT, "local", 3),
    ),
    deviations=(
        "content-null-placeholder",
        "empty-tool-calls-array",
        "reasoning-field-variants",
        "role-every-chunk",
        "usage-on-content-or-finish-chunk",
    ),
    reported=("tool-call-index-missing",),
    evidence="1 stream recorded by others, 1 recognised without the host.",
)
