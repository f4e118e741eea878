"""Gemini's OpenAI-compatible endpoint: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="gemini-compat",
    title="Gemini's OpenAI-compatible endpoint",
    signs=(
        *host("generativelanguage.googleapis.com", "aiplatform.googleapis.com"),
        Sign(Kind.HEADER, "server=scaffolding on httpserver2", 8),
        Sign(Kind.HEADER, "server-timing=gfet4t7", 8),
        Sign(Kind.MODEL, "(models/|google/)?gemini-.*", 3),
        Sign(Kind.ORDER, "choices,created,model,object", 4),
        Sign(Kind.ORDER, "choices,created,id,model,object", 2),
        Sign(Kind.TRAIT, Trait.NO_ID, 3),
        Sign(Kind.ID, "[A-Za-z0-9_-]{22,24}", 3),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    deviations=(
        "chunk-id-missing-or-empty",
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "role-every-chunk",
        "tool-call-id-missing",
        "tool-call-index-missing",
        "usage-on-content-or-finish-chunk",
        "usage-on-every-chunk",
    ),
    reported=("tool-call-finish-stop",),
    evidence="7 streams recorded by others, 7 recognised without the host.",
)
