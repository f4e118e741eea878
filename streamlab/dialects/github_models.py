"""GitHub Models: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="github-models",
    title="GitHub Models",
    signs=(
        *host("models.github.ai"),
        Sign(Kind.HOST, "models.inference.ai.azure.com", 20),
        Sign(Kind.HEADER, "server=github.com", 60),
    ),
    deviations=(
        "choices-empty-non-usage",
        "obfuscation-present",
        "unknown-extension-fields",
    ),
    evidence="36 streams recorded by others, 36 recognised without the host.",
    outer=True,
)
