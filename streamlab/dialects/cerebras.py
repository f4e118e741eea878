"""Cerebras: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="cerebras",
    title="Cerebras",
    signs=(
        *host("api.cerebras.ai"),
        Sign(Kind.CHUNK_KEY, "time_info", 10),
        Sign(Kind.ORDER, "id,choices,created,model,system_fingerprint,object", 5),
        Sign(Kind.FINGERPRINT, "fp_[0-9a-f]{20}", 3),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
    ),
    deviations=(
        "done-missing",
        "finish-reason-key-absent",
        "reasoning-field-variants",
        "tool-call-type-missing",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    evidence="19 streams recorded by others, 19 recognised without the host.",
)
