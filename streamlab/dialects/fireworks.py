"""Fireworks AI: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="fireworks",
    title="Fireworks AI",
    signs=(
        *host("api.fireworks.ai"),
        Sign(Kind.MODEL, "accounts/.*/(models|deployments|routers)/.*", 10),
        Sign(Kind.HEADER, "fireworks-*", 10),
        Sign(Kind.CHOICE_KEY, "raw_output", 4),
        Sign(Kind.CHUNK_KEY, "perf_metrics", 5),
    ),
    deviations=(
        "done-missing",
        "reasoning-field-variants",
        "unknown-extension-fields",
        "usage-missing-when-requested",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    reported=("tool-call-id-repeated",),
    evidence="3 streams recorded by others, 3 recognised without the host.",
)
