"""Vercel AI Gateway: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="vercel",
    title="Vercel AI Gateway",
    signs=(
        *host("ai-gateway.vercel.sh", "api.cline.bot"),
        Sign(Kind.CHUNK_KEY, "generationId", 8),
        Sign(Kind.DELTA_KEY, "provider_metadata", 7),
        Sign(Kind.USAGE_KEY, "market_cost", 7),
        Sign(Kind.ID, "gen_[0-9A-Z]{26}", 4),
        Sign(Kind.USAGE_KEY, "gateway_cost", 4),
    ),
    deviations=(
        "reasoning-field-variants",
        "unknown-extension-fields",
        "usage-inconsistent",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="75 streams recorded by others, 73 recognised without the host.",
    outer=True,
)
