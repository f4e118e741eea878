"""GPUStack with llama-box: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

DIALECT = Dialect(
    name="gpustack",
    title="GPUStack with llama-box",
    signs=(
        Sign(Kind.USAGE_KEY, "time_per_output_token_ms", 12),
        Sign(Kind.USAGE_KEY, "time_to_first_token_ms", 8),
        Sign(Kind.HEADER, "server=llama-box", 12),
        Sign(Kind.USAGE_KEY, "draft_tokens_acceptance", 6),
    ),
    deviations=(
        "created-wrong-type",
        "done-missing",
        "finish-reason-on-content-chunk",
        "reasoning-field-variants",
        "role-missing",
        "tool-call-index-missing",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="29 streams recorded by others, 28 recognised without the host.",
)
