"""LM Studio: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="lm-studio",
    title="LM Studio",
    signs=(
        Sign(Kind.TRAIT, Trait.FINGERPRINT_IS_MODEL, 7),
        Sign(Kind.ID, "chatcmpl-[a-z0-9]{20,24}", 3),
        Sign(Kind.CHUNK_KEY, "stats", 4),
    ),
    reported=(
        "http-status-200-on-error",
        "tool-call-name-empty-continuation",
    ),
    evidence="No stream was read: signs and deviations are what its documentation and issue tracker say.",
    witnessed=False,
)
