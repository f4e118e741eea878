"""Hugging Face Inference Providers: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="huggingface",
    title="Hugging Face Inference Providers",
    signs=(
        *host("router.huggingface.co", "api-inference.huggingface.co", "endpoints.huggingface.cloud"),
        Sign(Kind.HEADER, "x-inference-provider", 12),
        Sign(Kind.HEADER, "x-inference-id", 10),
    ),
    deviations=(
        "chunk-id-missing-or-empty",
        "created-wrong-type",
        "done-missing",
        "empty-tool-calls-array",
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "reasoning-field-variants",
        "role-every-chunk",
        "service-tier-unknown",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
        "usage-on-every-chunk",
        "usage-unrequested",
    ),
    evidence="31 streams recorded by others, 9 recognised without the host.",
    outer=True,
)
