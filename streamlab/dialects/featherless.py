"""Featherless: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="featherless",
    title="Featherless",
    signs=(
        *host("api.featherless.ai"),
        Sign(Kind.COMMENT, "FEATHERLESS PROCESSING", 12),
    ),
    deviations=(
        "created-wrong-type",
        "object-wrong",
        "sse-comment-keepalive",
    ),
    evidence="1 stream recorded by others, 1 recognised without the host.",
)
