"""Writer: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="writer",
    title="Writer",
    signs=(
        *host("api.writer.com"),
        Sign(Kind.DELTA_KEY, "llm_data", 6),
        Sign(Kind.DELTA_KEY, "graph_data", 5),
        Sign(Kind.MODEL, "palmyra.*", 6),
    ),
    evidence="2 streams recorded by others, 2 recognised without the host.",
)
