"""Doubleword: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="doubleword",
    title="Doubleword",
    signs=(
        *host("api.doubleword.ai"),
        Sign(Kind.USAGE_KEY, "cache_creation", 8),
        Sign(Kind.USAGE_KEY, "cache_read_input_tokens", 2),
        Sign(Kind.DELTA_KEY, "reasoning_details", 2),
    ),
    deviations=(
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "finish-reason-repeated",
        "reasoning-field-variants",
        "role-every-chunk",
        "usage-inconsistent",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="20 streams recorded by others, 19 recognised without the host.",
)
