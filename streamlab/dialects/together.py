"""Together AI: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="together",
    title="Together AI",
    signs=(
        *host("api.together.xyz", "api.together.ai"),
        Sign(Kind.DELTA_KEY, "token_id", 8),
        Sign(Kind.CHOICE_KEY, "text", 3),
        Sign(Kind.CHOICE_KEY, "seed", 2),
        Sign(Kind.ORDER, "id,object,created,choices,model", 4),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    deviations=(
        "content-after-finish",
        "empty-tool-calls-array",
        "finish-reason-on-content-chunk",
        "finish-reason-repeated",
        "finish-reason-unknown-value",
        "role-every-chunk",
        "tool-call-id-empty-continuation",
        "tool-call-name-empty-continuation",
        "tool-call-type-missing",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    evidence="10 streams recorded by others, 10 recognised without the host.",
)
