"""SGLang: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="sglang",
    title="SGLang",
    signs=(
        Sign(Kind.CHOICE_KEY, "matched_stop", 8),
        Sign(Kind.ID, "[0-9a-f]{32}", 2),
        Sign(Kind.CHOICE_KEY, "hidden_states", 4),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    deviations=(
        "created-wrong-type",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
    ),
    reported=(
        "content-null-placeholder",
        "empty-tool-calls-array",
        "finish-reason-empty-string",
        "json-nan-infinity",
        "role-empty-or-null",
        "tool-call-args-before-name",
        "tool-call-id-repeated",
        "tool-call-index-missing",
    ),
    evidence="1 stream recorded by others, 1 recognised without the host.",
)
