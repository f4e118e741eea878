"""Cohere's compatibility API: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="cohere",
    title="Cohere's compatibility API",
    signs=(
        *host("api.cohere.com", "api.cohere.ai"),
        Sign(Kind.MODEL, "command-.*", 6),
        Sign(Kind.ORDER, "id,choices,created,model,object", 3),
        Sign(Kind.ID, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    deviations=(
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    evidence="1 stream recorded by others, 1 recognised without the host.",
)
