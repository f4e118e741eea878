"""Groq: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="groq",
    title="Groq",
    signs=(
        *host("api.groq.com"),
        Sign(Kind.CHUNK_KEY, "x_groq", 12),
        Sign(Kind.USAGE_KEY, "queue_time", 6),
        Sign(Kind.USAGE_KEY, "prompt_time", 3),
        Sign(Kind.HEADER, "x-groq-*", 10),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
    ),
    deviations=(
        "chunk-id-changes",
        "created-wrong-type",
        "done-missing",
        "error-code-shape",
        "error-midstream-standard",
        "error-then-no-done",
        "finish-reason-missing",
        "reasoning-field-variants",
        "role-missing",
        "service-tier-unknown",
        "unknown-extension-fields",
        "usage-in-choice",
        "usage-on-content-or-finish-chunk",
        "usage-on-every-chunk",
        "usage-unrequested",
    ),
    evidence="47 streams recorded by others, 45 recognised without the host.",
)
