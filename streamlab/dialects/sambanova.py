"""SambaNova: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="sambanova",
    title="SambaNova",
    signs=(
        *host("api.sambanova.ai"),
        Sign(Kind.FINGERPRINT, "fastcoe", 10),
        Sign(Kind.ID, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
    ),
    deviations=("role-every-chunk",),
    evidence="4 streams recorded by others, 4 recognised without the host.",
)
