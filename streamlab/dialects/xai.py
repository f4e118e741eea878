"""xAI: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="xai",
    title="xAI",
    signs=(
        *host("api.x.ai"),
        Sign(Kind.USAGE_KEY, "num_sources_used", 7),
        Sign(Kind.USAGE_KEY, "cost_in_usd_ticks", 7),
        Sign(Kind.MODEL, "grok-.*", 5),
        Sign(Kind.ID, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(_[a-z0-9-]+)?", 2),
        Sign(Kind.FINGERPRINT, "fp_[0-9a-f]{10}", 1),
        Sign(Kind.ORDER, "id,object,created,model,choices,system_fingerprint", 3),
        Sign(Kind.CALL_ID, r"call_\d{8}", 3),
    ),
    deviations=(
        "created-wrong-type",
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "reasoning-field-variants",
        "usage-inconsistent",
        "usage-on-content-or-finish-chunk",
    ),
    reported=(
        "error-string",
        "http-status-200-on-error",
    ),
    evidence="50 streams recorded by others, 49 recognised without the host.",
)
