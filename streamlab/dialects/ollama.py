"""Ollama: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="ollama",
    title="Ollama",
    signs=(
        *host("ollama.com"),
        Sign(Kind.FINGERPRINT, "fp_ollama", 14),
        Sign(Kind.ID, r"chatcmpl-\d{1,3}", 4),
    ),
    deviations=(
        "chunk-id-not-unique",
        "created-wrong-type",
        "finish-reason-on-content-chunk",
        "reasoning-field-variants",
        "role-every-chunk",
        "tool-call-index-missing",
        "usage-missing-when-requested",
    ),
    reported=(
        "finish-reason-empty-string",
        "finish-reason-missing",
        "reasoning-after-content",
        "tool-call-arguments-truncated",
        "tool-call-finish-stop",
    ),
    evidence="50 streams recorded by others, 50 recognised without the host.",
)
