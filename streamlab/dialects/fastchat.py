"""FastChat: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="fastchat",
    title="FastChat",
    signs=(
        Sign(Kind.ID, "(?:chat)?cmpl-[2-9A-HJ-NP-Za-km-z]{22}", 6),
        Sign(Kind.ORDER, "id,model,choices", 5),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    reported=(
        "content-null-placeholder",
        "created-wrong-type",
        "error-flat-object",
        "finish-reason-key-absent",
        "object-wrong",
    ),
    evidence="No stream was recorded: signs and deviations are what the source of 0.2.36 does, read.",
    witnessed=False,
)
