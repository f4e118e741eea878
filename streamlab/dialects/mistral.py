"""Mistral: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="mistral",
    title="Mistral",
    signs=(
        *host("api.mistral.ai", "codestral.mistral.ai"),
        Sign(Kind.CHUNK_KEY, "p", 4),
        Sign(Kind.ID, "[0-9a-f]{32}", 3),
        Sign(Kind.CALL_ID, "[A-Za-z0-9]{9}", 4),
        Sign(Kind.MODEL, "(mistral|ministral|magistral|codestral|devstral|pixtral|open-mi[sx]tral|voxtral)-.*", 5),
        Sign(Kind.ORDER, "id,object,created,model,choices", 1),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
        Sign(Kind.USAGE_KEY, "num_cached_tokens", 4),
    ),
    deviations=(
        "content-array-parts",
        "finish-reason-on-content-chunk",
        "obfuscation-present",
        "tool-call-index-missing",
        "tool-call-parallel-lost",
        "tool-call-type-missing",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    reported=("unknown-extension-fields",),
    evidence="50 streams recorded by others, 50 recognised without the host.",
)
