"""Cloudflare Workers AI: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="cloudflare",
    title="Cloudflare Workers AI",
    signs=(
        *host("api.cloudflare.com", "gateway.ai.cloudflare.com"),
        Sign(Kind.MODEL, "@(cf|hf)/.*", 9),
        Sign(Kind.ID, r"id-\d{13}", 7),
        Sign(Kind.HEADER, "cf-ai-*", 10),
    ),
    deviations=(
        "finish-reason-key-absent",
        "role-missing",
        "usage-on-content-or-finish-chunk",
    ),
    reported=("choice-index-missing",),
    evidence="6 streams recorded by others, 6 recognised without the host.",
)
