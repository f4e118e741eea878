"""one-hub: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="one-hub",
    title="one-hub",
    signs=(
        Sign(Kind.MODEL, "gemini-.*", 3),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{32}", 3),
        Sign(Kind.TRAIT, Trait.IDS_CHANGE, 4),
        Sign(Kind.ORDER, "id,object,created,model,choices", 1),
    ),
    deviations=(
        "chunk-id-changes",
        "error-code-shape",
        "error-midstream-standard",
        "finish-reason-every-chunk",
        "finish-reason-on-content-chunk",
        "role-every-chunk",
        "tool-call-id-empty-continuation",
        "tool-call-type-missing",
    ),
    reported=("finish-reason-repeated",),
    evidence="5 streams recorded from the real server, 4 recognised without the host.",
    outer=True,
)
