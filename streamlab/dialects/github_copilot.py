"""GitHub Copilot: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="github-copilot",
    title="GitHub Copilot",
    signs=(
        *host("githubcopilot.com"),
        Sign(Kind.CHUNK_KEY, "copilot_usage", 30),
        Sign(Kind.DELTA_KEY, "reasoning_opaque", 12),
        Sign(Kind.DELTA_KEY, "reasoning_text", 4),
    ),
    deviations=(
        "choices-empty-non-usage",
        "content-null-placeholder",
        "finish-reason-key-absent",
        "object-wrong",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="9 streams recorded by others, 9 recognised without the host.",
    outer=True,
)
